-- grain: one row per collection or litigation case, in its latest version known on `known_on`
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
    from {{ source('raw_files', 'collection_cases') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        record_key,
        line_no,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        {{ json_text('payload', 'case_id') }} as source_case_id,
        {{ json_text('payload', 'document_id') }} as source_document_id,
        {{ json_text('payload', 'stage') }} as stage,
        cast({{ json_text('payload', 'opened_on') }} as date) as opened_on,
        cast({{ json_text('payload', 'closed_on') }} as date) as closed_on,
        known_at
    from versions
    where version_rank = 1 and not is_deleted
)

select * from final
