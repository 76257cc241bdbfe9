-- grain: one row per posted document that can be used, from any source
with final as (
    select
        source,
        document_key as document_id,
        entity_id,
        customer_id,
        source_document_id,
        document_number,
        document_type,
        credited_document_key as credited_document_id,
        origin,
        issue_date,
        booking_date,
        due_date,
        payment_terms,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        source_open_amount,
        exchange_rate,
        counts_as_revenue,
        ledger_account,
        is_doubtful,
        known_at
    from {{ ref('int_documents') }}
    union all
    select
        published.source,
        published.document_id,
        published.entity_id,
        published.customer_id,
        published.source_document_id,
        published.document_number,
        published.document_type,
        published.credited_document_id,
        published.origin,
        published.issue_date,
        published.booking_date,
        published.due_date,
        published.payment_terms,
        published.currency_code,
        published.amount_incl_tax,
        published.amount_excl_tax,
        published.source_open_amount,
        published.exchange_rate,
        published.counts_as_revenue,
        published.ledger_account,
        published.is_doubtful,
        published.known_at
    from {{ source('previous', 'carried_fct_documents') }} as published
    where {{ is_carried('published') }}
)

select * from final
