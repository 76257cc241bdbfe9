-- grain: one row per document and custom attribute
with documents as (
    select
        {{ surrogate_key(['source', 'entity_id', "'document'", 'source_document_id']) }}
            as document_id,
        entity_id,
        source_document_id,
        custom_attributes
    from {{ ref('int_gathered_documents') }}
    where custom_attributes is not null
),

final as (
    select
        documents.document_id,
        documents.entity_id,
        documents.source_document_id,
        entries.key as attribute,
        entries.value
    from documents
    cross join {{ json_entries('documents.custom_attributes') }} as entries (key, value)
)

select * from final
