-- Rule: at the as-of date a customer owes, in a currency, its posted invoices and refunds less its
-- credit notes, receipts and write-offs, as its source delivered them. What is allocated to what
-- drops out: it stays with the customer. Source: open = invoiced − paid − credited, worked out
-- from what was gathered, past every model between. An entity of which a row was refused is left
-- out: that holds by itself.
with refused_entities as (
    select entity_id
    from {{ ref('int_refused_rows') }}
    where entity_id is not null
    group by entity_id
),

posted_documents as (
    select
        source,
        entity_id,
        source_document_id,
        source_customer_id,
        document_type,
        issue_date,
        currency_code,
        amount_incl_tax
    from {{ ref('int_gathered_documents') }}
    where status = 'posted'
),

payments as (
    select
        source,
        entity_id,
        source_customer_id,
        payment_type,
        currency_code,
        amount
    from {{ ref('int_gathered_payments') }}
    where payment_date <= {{ as_of_date() }}
),

sources as (
    select source
    from posted_documents
    union
    select source
    from payments
),

parts as (
    select
        source,
        entity_id,
        source_customer_id,
        currency_code,
        case document_type when 'invoice' then amount_incl_tax else -amount_incl_tax end as amount
    from posted_documents
    where issue_date <= {{ as_of_date() }}
    union all
    select
        source,
        entity_id,
        source_customer_id,
        currency_code,
        case payment_type when 'refund' then amount else -amount end as amount
    from payments
    union all
    select
        posted_documents.source,
        posted_documents.entity_id,
        posted_documents.source_customer_id,
        posted_documents.currency_code,
        -write_offs.amount as amount
    from {{ ref('int_gathered_write_offs') }} as write_offs
    inner join posted_documents
        on
            write_offs.source = posted_documents.source
            and write_offs.entity_id = posted_documents.entity_id
            and write_offs.source_document_id = posted_documents.source_document_id
    where write_offs.write_off_date <= {{ as_of_date() }}
    union all
    select
        items.source,
        items.entity_id,
        customers.source_customer_id,
        items.currency_code,
        -items.open_amount as amount
    from {{ ref('fct_open_items') }} as items
    inner join sources
        on items.source = sources.source
    left join {{ ref('dim_customer') }} as customers
        on items.customer_id = customers.customer_id
)

select
    parts.source,
    parts.entity_id,
    parts.source_customer_id,
    parts.currency_code,
    sum(parts.amount) as missing_amount
from parts
left join refused_entities
    on parts.entity_id = refused_entities.entity_id
where refused_entities.entity_id is null
group by parts.source, parts.entity_id, parts.source_customer_id, parts.currency_code
having sum(parts.amount) <> 0
