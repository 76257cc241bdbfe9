-- grain: one row per collection or litigation case, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        case_id,
        document_id,
        stage,
        opened_on,
        closed_on,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'collection_cases') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'collection_cases')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        case_id as source_case_id,
        document_id as source_document_id,
        stage,
        cast(opened_on as date) as opened_on,
        cast(closed_on as date) as closed_on,
        known_at
    from latest
    where not is_deleted
)

select * from final
