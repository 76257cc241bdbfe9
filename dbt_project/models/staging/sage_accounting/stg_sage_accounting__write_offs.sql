-- grain: one row per payment and invoice that it was paid with a discount
-- A discount settles the invoice beside the money that came in, on the same day (DECISIONS.md).
with discounts as (
    select
        entity_id,
        settlement_id,
        settlement_date,
        source_item_id,
        discount_amount,
        known_at
    from {{ ref('stg_sage_accounting__settlement_lines') }}
    where
        settlement_type = 'payment'
        and item_kind = 'document'
        and side = 'debit'
        and discount_amount > 0
),

final as (
    select
        {{ surrogate_key(['entity_id', 'settlement_id', 'source_item_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        settlement_id || '/' || source_item_id as source_write_off_id,
        source_item_id as source_document_id,
        cast(null as integer) as instalment_no,
        settlement_date as write_off_date,
        discount_amount as amount,
        'discount on payment' as reason,
        known_at
    from discounts
)

select * from final
