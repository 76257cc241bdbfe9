-- Rule: what the key figures call outstanding is the aged balance of the same day, and what they
-- call overdue is open on invoices past their due date. Source: figures of one report must share
-- one receivable (domain, section 2.3).
with aged_balance as (
    select
        as_of_date,
        entity_id,
        sum(open_company_amount) as open_company_amount
    from {{ ref('mart_aged_balance') }}
    group by as_of_date, entity_id
),

overdue_items as (
    select
        as_of_date,
        entity_id,
        sum(open_company_amount) as overdue_company_amount,
        count(*) as overdue_count
    from {{ ref('int_aged_items') }}
    where item_type = 'invoice' and days_overdue > 0
    group by as_of_date, entity_id
)

select
    as_of_date,
    entity_id,
    kpi.outstanding_company_amount,
    aged_balance.open_company_amount,
    kpi.overdue_company_amount as kpi_overdue_company_amount,
    overdue_items.overdue_company_amount,
    kpi.overdue_count as kpi_overdue_count,
    overdue_items.overdue_count
from {{ ref('mart_kpi_monthly') }} as kpi
full outer join aged_balance
    using (as_of_date, entity_id)
full outer join overdue_items
    using (as_of_date, entity_id)
where
    coalesce(kpi.outstanding_company_amount, 0) <> coalesce(aged_balance.open_company_amount, 0)
    or coalesce(kpi.overdue_company_amount, 0)
    <> coalesce(overdue_items.overdue_company_amount, 0)
    or coalesce(kpi.overdue_count, 0) <> coalesce(overdue_items.overdue_count, 0)
