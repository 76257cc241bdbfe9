-- grain: one row per instalment of an invoice that has several
-- A schedule that does not sum to what is owed (another currency of the account, a part that is not
-- owed) leaves the invoice undivided, due on its own due date.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_erpnext', 'payment_schedules') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'payment_schedules')) }}
        and not is_deleted
),

lines as (
    select
        latest.entity_id,
        latest.record_key as source_document_id,
        {{ json_text('lines.line', 'name') }} as source_line_id,
        cast({{ json_text('lines.line', 'due_date') }} as date) as due_date,
        cast({{ json_text('lines.line', 'payment_amount') }} as numeric) as amount,
        latest.known_at
    from latest
    cross join lateral {{ json_elements(json_part('latest.payload', 'lines')) }} as lines (line)
),

numbered as (
    select
        lines.*,
        count(*) over schedule as line_count,
        sum(amount) over schedule as total_amount,
        min(amount) over schedule as least_amount,
        row_number() over (
            partition by entity_id, source_document_id
            order by due_date, source_line_id
        ) as instalment_no
    from lines
    window schedule as (partition by entity_id, source_document_id)
),

final as (
    select
        {{ surrogate_key([
            'numbered.entity_id', 'numbered.source_document_id', 'numbered.instalment_no'
        ]) }} as record_key,
        cast(null as bigint) as line_no,
        numbered.entity_id,
        numbered.source_document_id,
        cast(numbered.instalment_no as integer) as instalment_no,
        numbered.due_date,
        numbered.amount,
        numbered.known_at
    from numbered
    inner join {{ ref('stg_erpnext__documents') }} as documents
        on
            numbered.entity_id = documents.entity_id
            and numbered.source_document_id = documents.source_document_id
    where
        documents.document_type = 'invoice'
        and numbered.line_count > 1
        and numbered.least_amount > 0
        and numbered.total_amount = documents.amount_incl_tax
)

select * from final
