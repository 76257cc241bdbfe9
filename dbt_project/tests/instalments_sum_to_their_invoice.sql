-- Rule: the items of an invoice sum to the invoice, also when it is split into instalments.
-- Source: contracts, section 2: instalments sum to the document.
-- What an invoice has and its items have not must be zero, so the sum of all invoices is too when
-- each has a weight of its own; a row names the entity, whose invoices can then be compared.
with parts as (
    select
        entity_id,
        document_key,
        amount_incl_tax as missing_amount
    from {{ ref('int_documents') }}
    where document_type = 'invoice'
    union all
    select
        entity_id,
        item_key as document_key,
        -original_amount as missing_amount
    from {{ ref('int_items') }}
    where item_type = 'invoice'
)

select
    entity_id,
    sum(missing_amount) as missing_amount
from parts
group by entity_id
having sum(missing_amount * {{ row_digest(['document_key']) }}) <> 0
