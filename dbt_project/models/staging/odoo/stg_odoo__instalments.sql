-- grain: one row per instalment of an invoice that has several
with lines as (
    select
        entity_id,
        source_line_id,
        source_item_id,
        due_date,
        amount,
        known_at,
        count(*) over (partition by entity_id, source_item_id) as line_count,
        min(amount) over (partition by entity_id, source_item_id) as least_amount,
        row_number() over (
            partition by entity_id, source_item_id
            order by due_date, cast(source_line_id as bigint)
        ) as instalment_no
    from {{ ref('stg_odoo__receivable_lines') }}
    where
        item_kind = 'document'
        and amount <> 0
),

-- A part that is not owed (a fixed instalment larger than the invoice) leaves the whole undivided.
final as (
    select
        {{ surrogate_key(['entity_id', 'source_item_id', 'instalment_no']) }} as record_key,
        cast(null as bigint) as line_no,
        entity_id,
        source_line_id,
        source_item_id as source_document_id,
        cast(instalment_no as integer) as instalment_no,
        due_date,
        amount,
        known_at
    from lines
    where
        line_count > 1
        and least_amount > 0
)

select * from final
