-- grain: one row per instalment of any source, with the reason why it cannot be used, if any
-- Of the customers that this build works out, and what names none where it works out all.
with documented as (
    select
        gathered.source,
        gathered.record_key,
        gathered.line_no,
        gathered.entity_id,
        gathered.source_document_id,
        gathered.instalment_no,
        gathered.due_date,
        gathered.amount,
        documents.document_key,
        documents.document_type,
        documents.amount_incl_tax
    from {{ ref('int_gathered_instalments') }} as gathered
    left join {{ ref('int_documents_checked') }} as documents
        on
            gathered.source = documents.source
            and gathered.entity_id = documents.entity_id
            and gathered.source_document_id = documents.source_document_id
    left join {{ ref('int_changed_customers') }} as changed_books
        on
            gathered.source = changed_books.source
            and gathered.entity_id = changed_books.entity_id
            and changed_books.source_customer_id = ''
    where documents.document_key is not null or changed_books.entity_id is not null
),

totalled as (
    select
        documented.*,
        sum(amount) over (
            partition by source, entity_id, source_document_id
        ) as instalments_total
    from documented
),

final as (
    select
        source,
        record_key,
        line_no,
        document_key,
        entity_id,
        source_document_id,
        instalment_no,
        due_date,
        amount,
        case
            when document_key is null then 'document_id'
            when document_type <> 'invoice' then 'document_id'
            when instalments_total <> amount_incl_tax then 'amount'
        end as refused_column,
        case
            when document_key is null
                then
                    'document ' || source_document_id
                    || ' is not in documents: add it there or remove the instalment'
            when document_type <> 'invoice'
                then
                    'document ' || source_document_id
                    || ' is a credit note: only invoices have instalments'
            when instalments_total <> amount_incl_tax
                then
                    'the instalments of document ' || source_document_id
                    || ' sum to ' || cast(instalments_total as text)
                    || ', the document to ' || cast(amount_incl_tax as text)
                    || ': they must be equal'
        end as refused_reason
    from totalled
)

select * from final
