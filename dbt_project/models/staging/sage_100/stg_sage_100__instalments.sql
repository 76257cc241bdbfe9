-- grain: one row per instalment of an invoice that has several
with positions as (
    select
        entity_id,
        source_item_id,
        line_position,
        coalesce(due_date, entry_date) as due_date,
        amount,
        known_at,
        count(*) over (partition by entity_id, source_item_id) as line_count
    from {{ ref('stg_sage_100__receivable_lines') }}
    where item_kind = 'document' and is_debit
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_item_id', 'line_position']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_item_id as source_document_id,
        cast(line_position as integer) as instalment_no,
        due_date,
        amount,
        known_at
    from positions
    where line_count > 1
)

select * from final
