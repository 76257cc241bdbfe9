-- grain: one row per entity and day on which something was written off
-- The part without tax follows the document that is written off, as its revenue did.
with write_offs as (
    select
        open_item_id,
        movement_date,
        -company_amount as written_off_company_amount
    from {{ ref('fct_receivable_movements') }}
    where movement_type = 'write_off' and item_type = 'invoice'
),

document_losses as (
    select
        items.document_id,
        items.entity_id,
        items.company_minor_units,
        write_offs.movement_date as loss_date,
        sum(write_offs.written_off_company_amount) as written_off_company_amount
    from write_offs
    inner join {{ ref('fct_items') }} as items
        on write_offs.open_item_id = items.open_item_id
    group by
        items.document_id, items.entity_id, items.company_minor_units, write_offs.movement_date
),

final as (
    select
        document_losses.entity_id,
        document_losses.loss_date,
        sum(document_losses.written_off_company_amount) as written_off_company_amount,
        sum(
            case
                when documents.amount_excl_tax is null or documents.amount_incl_tax = 0
                    then document_losses.written_off_company_amount
                else {{ company_amount(
                    'document_losses.written_off_company_amount',
                    'documents.amount_excl_tax / documents.amount_incl_tax',
                    'document_losses.company_minor_units'
                ) }}
            end
        ) as written_off_excl_tax_company_amount
    from document_losses
    inner join {{ ref('fct_documents') }} as documents
        on document_losses.document_id = documents.document_id
    group by document_losses.entity_id, document_losses.loss_date
)

select * from final
