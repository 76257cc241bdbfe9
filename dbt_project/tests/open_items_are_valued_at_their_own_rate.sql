-- Rule: what is open of an item is worth, in the books, the open amount at the rate that the source
-- delivered with it, rounded once; at 1 in the base currency, and at no rate of our own. Source:
-- contracts, section 3; a rate that defaults to 1 adds dollars to euros
-- (fivetran/dbt_quickbooks#115).
with delivered_rates as (
    select
        source,
        entity_id,
        'document' as kind,
        source_document_id,
        exchange_rate
    from {{ ref('int_gathered_documents') }}
    where exchange_rate is not null
    union all
    select
        source,
        entity_id,
        'payment' as kind,
        source_payment_id as source_document_id,
        exchange_rate
    from {{ ref('int_gathered_payments') }}
    where exchange_rate is not null
),

valued as (
    select
        items.open_item_id,
        items.currency_code,
        items.open_amount,
        items.open_company_amount,
        {{ company_amount(
            'items.open_amount',
            'case when items.currency_code = entities.base_currency then 1'
            ~ ' else delivered_rates.exchange_rate end',
            'entities.minor_units'
        ) }} as expected_company_amount
    from {{ ref('fct_open_items') }} as items
    inner join {{ ref('int_entities') }} as entities
        on items.entity_id = entities.entity_id
    left join delivered_rates
        on
            items.source = delivered_rates.source
            and items.entity_id = delivered_rates.entity_id
            and items.source_document_id = delivered_rates.source_document_id
            and case
                when items.item_type in ('payment', 'refund') then 'payment'
                else 'document'
            end = delivered_rates.kind
            and items.currency_code <> entities.base_currency
)

select *
from valued
where open_company_amount is distinct from expected_company_amount
