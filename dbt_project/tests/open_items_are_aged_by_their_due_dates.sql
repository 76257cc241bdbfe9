-- Rule: an open invoice is as many days overdue as the as-of date is after its due date, which is
-- the one that its source delivered, and stands in the bucket of that number of days. Source:
-- contracts, section 3; ageing by the date of the document makes every customer late. An entity of
-- which a row was refused is left out: that holds by itself.
with refused_entities as (
    select entity_id
    from {{ ref('int_refused_rows') }}
    where entity_id is not null
    group by entity_id
),

instalments as (
    select
        source,
        entity_id,
        source_document_id,
        instalment_no,
        due_date
    from {{ ref('int_gathered_instalments') }}
),

documents_in_parts as (
    select
        source,
        entity_id,
        source_document_id
    from instalments
    group by source, entity_id, source_document_id
),

open_invoices as (
    select
        items.entity_id,
        items.open_item_id,
        items.due_date,
        items.days_overdue,
        items.bucket,
        case
            when documents_in_parts.source_document_id is not null then instalments.due_date
            else documents.due_date
        end as delivered_due_date,
        policies.bucket_limits
    from {{ ref('fct_open_items') }} as items
    inner join {{ ref('int_entity_policies') }} as policies
        on items.entity_id = policies.entity_id
    left join {{ ref('int_gathered_documents') }} as documents
        on
            items.source = documents.source
            and items.entity_id = documents.entity_id
            and items.source_document_id = documents.source_document_id
    left join documents_in_parts
        on
            items.source = documents_in_parts.source
            and items.entity_id = documents_in_parts.entity_id
            and items.source_document_id = documents_in_parts.source_document_id
    left join instalments
        on
            items.source = instalments.source
            and items.entity_id = instalments.entity_id
            and items.source_document_id = instalments.source_document_id
            and items.instalment_no = instalments.instalment_no
    left join refused_entities
        on items.entity_id = refused_entities.entity_id
    where items.item_type = 'invoice' and refused_entities.entity_id is null
)

select
    open_invoices.entity_id,
    open_invoices.open_item_id,
    open_invoices.due_date,
    open_invoices.delivered_due_date,
    open_invoices.days_overdue,
    open_invoices.bucket
from open_invoices
left join {{ ref('int_aging_buckets') }} as buckets
    on
        open_invoices.bucket_limits = buckets.bucket_limits
        and open_invoices.bucket = buckets.bucket
where
    open_invoices.days_overdue is distinct from
    {{ days_between(as_of_date(), 'open_invoices.due_date') }}
    -- Where the source gave none, the terms of the customer did.
    or open_invoices.due_date <> open_invoices.delivered_due_date
    or buckets.bucket is null
    or open_invoices.days_overdue < buckets.min_days_overdue
    or open_invoices.days_overdue > buckets.max_days_overdue
