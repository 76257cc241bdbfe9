-- grain: one row per customer and day on which it was invoiced or credited, up to the as-of date
-- Revenue incl. tax in company currency: posted invoices minus credit notes, rounded per document.
with documents as (
    select
        document_key,
        entity_id,
        customer_id,
        document_type,
        booking_date,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate
    from {{ ref('int_documents') }}
    where counts_as_revenue and booking_date <= {{ as_of_date() }}
),

converted as (
    select
        documents.entity_id,
        documents.customer_id,
        documents.booking_date,
        case documents.document_type when 'credit_note' then -1 else 1 end
        * {{ company_amount(
            'documents.amount_incl_tax', 'documents.exchange_rate', 'entities.minor_units'
        ) }}
            as revenue_company_amount,
        case documents.document_type when 'credit_note' then -1 else 1 end
        * {{ company_amount(
            'coalesce(documents.amount_excl_tax, documents.amount_incl_tax)',
            'documents.exchange_rate',
            'entities.minor_units'
        ) }}
            as revenue_excl_tax_company_amount
    from documents
    inner join {{ ref('int_entities') }} as entities
        on documents.entity_id = entities.entity_id
),

final as (
    select
        entity_id,
        customer_id,
        booking_date as revenue_date,
        sum(revenue_company_amount) as revenue_company_amount,
        sum(revenue_excl_tax_company_amount) as revenue_excl_tax_company_amount
    from converted
    group by entity_id, customer_id, booking_date
)

select * from final
