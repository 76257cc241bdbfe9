-- grain: one row per document that counts as revenue, up to the as-of date
-- Revenue incl. tax in company currency, rounded per document; credit notes negative.
-- A view: sums of it are stored, a second copy of all documents is not needed.
{{ config(materialized='view') }}

with documents as (
    select
        document_id as document_key,
        entity_id,
        customer_id,
        document_type,
        credited_document_id as credited_document_key,
        booking_date,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate
    from {{ ref('fct_documents') }}
    where counts_as_revenue and booking_date <= {{ as_of_date() }}
),

final as (
    select
        documents.document_key,
        documents.entity_id,
        documents.customer_id,
        documents.document_type,
        documents.credited_document_key,
        documents.booking_date as revenue_date,
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
            as revenue_excl_tax_company_amount,
        documents.exchange_rate,
        entities.minor_units
    from documents
    inner join {{ ref('int_entities') }} as entities
        on documents.entity_id = entities.entity_id
)

select * from final
