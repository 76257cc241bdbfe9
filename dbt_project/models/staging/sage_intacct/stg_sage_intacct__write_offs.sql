-- grain: one row per detail of a payment with a discount
-- A discount settles the invoice beside the money that came in, on the same day (DECISIONS.md).
with final as (
    select
        {{ surrogate_key(['entity_id', 'source_detail_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_detail_id as source_write_off_id,
        source_document_id,
        cast(null as integer) as instalment_no,
        settled_on as write_off_date,
        amount,
        'discount on payment' as reason,
        known_at
    from {{ ref('stg_sage_intacct__settlement_lines') }}
    where kind = 'discount'
)

select * from final
