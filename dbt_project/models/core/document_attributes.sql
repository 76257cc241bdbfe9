-- grain: one row per document and custom attribute
with documents as (
    select
        {{ surrogate_key(['source', 'entity_id', "'document'", 'source_document_id']) }}
            as document_id,
        {{ surrogate_key(['source', 'entity_id', "coalesce(source_customer_id, '')"]) }}
            as customer_id,
        entity_id,
        source_document_id,
        custom_attributes
    from {{ ref('int_gathered_documents') }}
    where custom_attributes is not null
),

final as (
    select
        documents.document_id,
        documents.customer_id,
        documents.entity_id,
        documents.source_document_id,
        entries.key as attribute,
        entries.value
    from documents
    inner join {{ ref('int_changed_customers') }} as changed_customers
        on documents.customer_id = changed_customers.customer_id
    cross join {{ json_entries('documents.custom_attributes') }} as entries (key, value)
    union all
    select
        published.document_id,
        published.customer_id,
        published.entity_id,
        published.source_document_id,
        published.attribute,
        published.value
    from {{ source('previous', 'carried_document_attributes') }} as published
    where {{ is_carried('published') }}
)

select * from final
