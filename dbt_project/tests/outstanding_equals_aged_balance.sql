-- Rule: the statuses of a customer sum to its aged balance, at every date shown. Source: one
-- receivable, two ways to cut it; a status that drops an item is what
-- frappe/erpnext#16355 and OCA/account-financial-reporting#300 report for credit notes.
with parts as (
    select
        as_of_date,
        entity_id,
        customer_id,
        open_company_amount
    from {{ ref('mart_outstanding') }}
    union all
    select
        as_of_date,
        entity_id,
        customer_id,
        -open_company_amount as open_company_amount
    from {{ ref('mart_aged_balance') }}
)

-- Each customer's sum must be zero, so their sum is too when each has a weight of its own.
select
    as_of_date,
    entity_id,
    sum(open_company_amount) as missing_company_amount
from parts
group by as_of_date, entity_id
having sum(open_company_amount * {{ row_digest(['customer_id']) }}) <> 0
