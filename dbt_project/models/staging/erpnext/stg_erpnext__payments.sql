-- grain: one row per receipt or refund
with final as (
    select
        record_key,
        cast(null as bigint) as line_no,
        entity_id,
        item_id as source_payment_id,
        source_customer_id,
        case side when 'credit' then 'receipt' else 'refund' end as payment_type,
        item_date as payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_erpnext__items') }}
    where item_kind = 'payment'
    union all
    select
        {{ surrogate_key(['entity_id', 'source_document_id', "'paid'"]) }} as record_key,
        cast(null as bigint) as line_no,
        entity_id,
        source_document_id || '/paid' as source_payment_id,
        source_customer_id,
        case document_type when 'invoice' then 'receipt' else 'refund' end as payment_type,
        issue_date as payment_date,
        currency_code,
        paid_at_once as amount,
        exchange_rate,
        cast(null as text) as method,
        cast(null as text) as reference,
        known_at
    from {{ ref('stg_erpnext__documents') }}
    where paid_at_once > 0
)

select * from final
