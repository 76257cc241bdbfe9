-- grain: one row per open item that ever existed: instalment, credit note, payment or refund
with final as (
    select
        open_item_id,
        item_key as document_id,
        source,
        entity_id,
        customer_id,
        source_document_id,
        document_number,
        instalment_no,
        is_split,
        item_type,
        origin,
        issue_date,
        booking_date,
        due_date,
        due_date_is_estimated,
        currency_code,
        original_amount,
        exchange_rate,
        company_currency_code,
        company_minor_units,
        ledger_account,
        is_doubtful,
        known_at
    from {{ ref('int_items') }}
    union all
    select
        published.open_item_id,
        published.document_id,
        published.source,
        published.entity_id,
        published.customer_id,
        published.source_document_id,
        published.document_number,
        published.instalment_no,
        published.is_split,
        published.item_type,
        published.origin,
        published.issue_date,
        published.booking_date,
        published.due_date,
        published.due_date_is_estimated,
        published.currency_code,
        published.original_amount,
        published.exchange_rate,
        published.company_currency_code,
        published.company_minor_units,
        published.ledger_account,
        published.is_doubtful,
        published.known_at
    from {{ source('previous', 'carried_fct_items') }} as published
    where {{ is_carried('published') }}
)

select * from final
