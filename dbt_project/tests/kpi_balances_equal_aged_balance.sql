-- Rule: what the key figures call outstanding and overdue is the aged balance of the same day.
-- Source: figures of one report must share one receivable (domain, section 2.3).
with aged_balance as (
    select
        as_of_date,
        entity_id,
        sum(open_company_amount) as open_company_amount,
        sum(case when bucket in ('not_due', 'unapplied_credit') then 0 else open_company_amount end)
            as overdue_company_amount
    from {{ ref('mart_aged_balance') }}
    group by as_of_date, entity_id
)

select
    as_of_date,
    entity_id,
    kpi.outstanding_company_amount,
    aged_balance.open_company_amount,
    kpi.overdue_company_amount as kpi_overdue_company_amount,
    aged_balance.overdue_company_amount as aged_overdue_company_amount
from {{ ref('mart_kpi_monthly') }} as kpi
full outer join aged_balance
    using (as_of_date, entity_id)
where
    coalesce(kpi.outstanding_company_amount, 0) <> coalesce(aged_balance.open_company_amount, 0)
    or coalesce(kpi.overdue_company_amount, 0)
    <> coalesce(aged_balance.overdue_company_amount, 0)
