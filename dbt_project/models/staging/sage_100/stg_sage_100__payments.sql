-- grain: one row per line of a receipt or refund
with final as (
    select
        {{ surrogate_key(['entity_id', 'source_item_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_item_id as source_payment_id,
        source_customer_id,
        case when is_debit then 'refund' else 'receipt' end as payment_type,
        entry_date as payment_date,
        'EUR' as currency_code,
        amount,
        cast(1 as numeric) as exchange_rate,
        journal_code as method,
        document_number as reference,
        known_at
    from {{ ref('stg_sage_100__receivable_lines') }}
    where item_kind = 'payment'
)

select * from final
