-- grain: one row per instalment of any source, with the reason why it cannot be used, if any
with instalments as (
    select
        source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        instalment_no,
        due_date,
        amount,
        sum(amount) over (
            partition by source, entity_id, source_document_id
        ) as instalments_total
    from {{ ref('int_gathered_instalments') }}
),

final as (
    select
        instalments.source,
        instalments.record_key,
        instalments.line_no,
        documents.document_key,
        instalments.entity_id,
        instalments.source_document_id,
        instalments.instalment_no,
        instalments.due_date,
        instalments.amount,
        case
            when documents.document_key is null then 'document_id'
            when documents.document_type <> 'invoice' then 'document_id'
            when instalments.instalments_total <> documents.amount_incl_tax then 'amount'
        end as refused_column,
        case
            when documents.document_key is null
                then
                    'document ' || instalments.source_document_id
                    || ' is not in documents: add it there or remove the instalment'
            when documents.document_type <> 'invoice'
                then
                    'document ' || instalments.source_document_id
                    || ' is a credit note: only invoices have instalments'
            when instalments.instalments_total <> documents.amount_incl_tax
                then
                    'the instalments of document ' || instalments.source_document_id
                    || ' sum to ' || cast(instalments.instalments_total as text)
                    || ', the document to ' || cast(documents.amount_incl_tax as text)
                    || ': they must be equal'
        end as refused_reason
    from instalments
    left join {{ ref('int_documents_checked') }} as documents
        on
            instalments.source = documents.source
            and instalments.entity_id = documents.entity_id
            and instalments.source_document_id = documents.source_document_id
)

select * from final
