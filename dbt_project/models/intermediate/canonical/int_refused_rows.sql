-- grain: one row per source row that the marts do not hold, with the reason
-- Rows of the flat files refused while loading belong to the last delivery of their entity; the
-- others break a relation between rows of any source. Any row here holds the publication: nothing
-- disappears in silence.
with deliveries as (
    select
        run_id,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        row_number() over (
            partition by {{ json_text('payload', 'entity_id') }}
            order by extracted_at desc
        ) as delivery_rank
    from {{ source('raw_files', 'deliveries') }}
    where extracted_at <= {{ known_on() }}
),

last_deliveries as (
    select
        run_id,
        -- How the keys of its rows begin (see clients.flat_files: `entity|id`, escaped).
        replace(replace(entity_id, '\', '\\'), '|', '\|') || '|' as key_prefix
    from deliveries
    where delivery_rank = 1
),

refused_while_loading as (
    select
        rejected_rows.source,
        rejected_rows.stream,
        rejected_rows.entity_id,
        rejected_rows.record_key,
        rejected_rows.file_name,
        rejected_rows.line_no,
        rejected_rows.column_name,
        rejected_rows.reason
    from {{ source('ops', 'rejected_row') }} as rejected_rows
    inner join (select distinct run_id from last_deliveries) as last_runs
        on rejected_rows.run_id = last_runs.run_id
    -- The run delivered several entities, and this row's has delivered again since.
    left join last_deliveries as mended
        on
            rejected_rows.run_id <> mended.run_id
            and left(rejected_rows.record_key, length(mended.key_prefix)) = mended.key_prefix
    where
        rejected_rows.source = 'files'
        and rejected_rows.found_by = 'load'
        and mended.run_id is null
),

refused_by_relation as (
    select
        'documents' as stream,
        source,
        entity_id,
        record_key,
        line_no,
        refused_column,
        refused_reason
    from {{ ref('int_documents_checked') }}
    where refused_reason is not null
    union all
    select
        'instalments' as stream,
        source,
        entity_id,
        record_key,
        line_no,
        refused_column,
        refused_reason
    from {{ ref('int_instalments_checked') }}
    where refused_reason is not null
    union all
    select
        'payments' as stream,
        source,
        entity_id,
        record_key,
        line_no,
        refused_column,
        refused_reason
    from {{ ref('int_payments_checked') }}
    where refused_reason is not null
    union all
    select
        'allocations' as stream,
        source,
        entity_id,
        record_key,
        line_no,
        refused_column,
        refused_reason
    from {{ ref('int_allocations_checked') }}
    where refused_reason is not null
    union all
    select
        'write_offs' as stream,
        source,
        entity_id,
        record_key,
        line_no,
        refused_column,
        refused_reason
    from {{ ref('int_write_offs_checked') }}
    where refused_reason is not null
    union all
    select
        stream,
        source,
        entity_id,
        record_key,
        line_no,
        refused_column,
        refused_reason
    from {{ ref('int_states_checked') }}
    where refused_reason is not null
),

final as (
    select
        source,
        stream,
        entity_id,
        record_key,
        file_name,
        line_no,
        column_name,
        reason,
        'load' as found_by
    from refused_while_loading
    union all
    select
        source,
        stream,
        entity_id,
        record_key,
        stream as file_name,
        line_no,
        refused_column as column_name,
        refused_reason as reason,
        'transform' as found_by
    from refused_by_relation
)

select * from final
