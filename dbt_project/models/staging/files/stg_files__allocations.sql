-- grain: one row per allocation, in its latest version known on `known_on`
with versions as (
    select
        record_key,
        payload,
        line_no,
        is_deleted,
        min(extracted_at) over (partition by record_key) as known_at,
        row_number() over (
            partition by record_key
            order by extracted_at desc, version_no desc
        ) as version_rank
    from {{ source('raw_files', 'allocations') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        record_key,
        line_no,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        {{ json_text('payload', 'allocation_id') }} as source_allocation_id,
        {{ json_text('payload', 'source_type') }} as source_type,
        {{ json_text('payload', 'source_id') }} as source_id,
        {{ json_text('payload', 'document_id') }} as source_document_id,
        cast({{ json_text('payload', 'instalment_no') }} as integer) as instalment_no,
        cast({{ json_text('payload', 'amount') }} as numeric) as amount,
        cast({{ json_text('payload', 'reversed_on') }} as date) as reversed_on,
        known_at
    from versions
    where version_rank = 1 and not is_deleted
)

select * from final
