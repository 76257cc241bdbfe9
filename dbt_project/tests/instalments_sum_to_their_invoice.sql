-- Rule: the items of an invoice sum to the invoice, also when it is split into instalments.
-- Source: contracts, section 2: instalments sum to the document.
with items as (
    select
        item_key,
        sum(original_amount) as items_amount
    from {{ ref('int_items') }}
    where item_type = 'invoice'
    group by item_key
)

select
    documents.document_key,
    documents.amount_incl_tax,
    items.items_amount
from {{ ref('int_documents') }} as documents
left join items
    on documents.document_key = items.item_key
where
    documents.document_type = 'invoice'
    and documents.amount_incl_tax is distinct from items.items_amount
