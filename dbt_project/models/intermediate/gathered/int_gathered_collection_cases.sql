-- grain: one row per collection or litigation case and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_case_id,
        source_document_id,
        stage,
        opened_on,
        closed_on,
        known_at
    from {{ ref('stg_files__collection_cases') }}
)

select * from final
