-- Rule: the statuses of a customer sum to its aged balance, at every date shown. Source: one
-- receivable, two ways to cut it; a status that drops an item is what
-- frappe/erpnext#16355 and OCA/account-financial-reporting#300 report for credit notes.
with outstanding as (
    select
        as_of_date,
        entity_id,
        customer_id,
        sum(open_company_amount) as open_company_amount
    from {{ ref('mart_outstanding') }}
    group by as_of_date, entity_id, customer_id
),

aged_balance as (
    select
        as_of_date,
        entity_id,
        customer_id,
        sum(open_company_amount) as open_company_amount
    from {{ ref('mart_aged_balance') }}
    group by as_of_date, entity_id, customer_id
)

select
    as_of_date,
    entity_id,
    customer_id,
    outstanding.open_company_amount as outstanding_company_amount,
    aged_balance.open_company_amount as aged_company_amount
from outstanding
full outer join aged_balance
    using (as_of_date, entity_id, customer_id)
where
    coalesce(outstanding.open_company_amount, 0) <> coalesce(aged_balance.open_company_amount, 0)
