-- Rule: what a customer owes in the list of debtors is the sum of its open items, credits deducted.
-- Source: contracts, section 4; a list before credits ranks first who has already paid.
with open_items as (
    select
        entity_id,
        customer_id,
        sum(open_company_amount) as open_company_amount
    from {{ ref('fct_open_items') }}
    group by entity_id, customer_id
)

select
    debtors.entity_id,
    debtors.customer_id,
    debtors.open_company_amount,
    open_items.open_company_amount as items_company_amount
from {{ ref('mart_top_debtors') }} as debtors
left join open_items
    on
        debtors.entity_id = open_items.entity_id
        and debtors.customer_id = open_items.customer_id
where debtors.open_company_amount is distinct from open_items.open_company_amount
