-- grain: one row per settlement, invoice instalment and interval of days in which it is in force
with final as (
    select
        settlement_id,
        settlement_type,
        credit_key as credit_item_id,
        open_item_id,
        item_key as document_id,
        entity_id,
        customer_id,
        origin,
        booking_date,
        issue_date,
        due_date,
        effective_date,
        in_force_from,
        in_force_to,
        currency_code,
        amount,
        company_currency_code,
        company_amount
    from {{ ref('int_invoice_settlements') }}
    union all
    select
        published.settlement_id,
        published.settlement_type,
        published.credit_item_id,
        published.open_item_id,
        published.document_id,
        published.entity_id,
        published.customer_id,
        published.origin,
        published.booking_date,
        published.issue_date,
        published.due_date,
        published.effective_date,
        published.in_force_from,
        published.in_force_to,
        published.currency_code,
        published.amount,
        published.company_currency_code,
        published.company_amount
    from {{ source('previous', 'carried_fct_invoice_settlements') }} as published
    where {{ is_carried('published') }}
)

select * from final
