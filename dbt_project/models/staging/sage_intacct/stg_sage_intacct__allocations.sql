-- grain: one row per detail of a payment and kind of what settles in it, discounts apart
with final as (
    select
        {{ surrogate_key(['lines.entity_id', 'lines.source_detail_id', 'lines.kind']) }}
            as record_key,
        cast(null as integer) as line_no,
        lines.entity_id,
        lines.source_detail_id || '/' || lines.kind as source_allocation_id,
        case
            when lines.kind in ('adjustment', 'negative_invoice') then 'credit_note'
            else 'payment'
        end as source_type,
        case
            -- As stg_sage_intacct__payments names them.
            when lines.kind = 'payment' and lines.is_of_another_customer
                then lines.credit_key || '-' || lines.source_customer_id
            else coalesce(money.source_payment_id, lines.credit_key)
        end as source_id,
        lines.source_document_id,
        cast(null as integer) as instalment_no,
        lines.amount,
        -- What was undone is deleted: it is no longer listed.
        cast(null as date) as reversed_on,
        lines.known_at
    from {{ ref('stg_sage_intacct__settlement_lines') }} as lines
    left join {{ ref('stg_sage_intacct__money') }} as money
        on
            lines.kind in ('payment', 'advance', 'overpayment')
            and lines.entity_id = money.entity_id
            and lines.credit_key = money.source_record_id
    where lines.kind <> 'discount'
)

select * from final
