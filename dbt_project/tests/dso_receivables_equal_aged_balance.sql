-- Rule: the DSO of an entity is computed on what its aged balance shows, at every date. Source:
-- domain, section 2.3: GitLab's DSO reads the ledger and its ageing another table; figures of
-- one report must share one receivable.
with aged_balance as (
    select
        as_of_date,
        entity_id,
        sum(open_company_amount) as open_company_amount,
        sum(case when bucket like 'overdue%' then open_company_amount else 0 end)
            as overdue_company_amount
    from {{ ref('mart_aged_balance') }}
    group by as_of_date, entity_id
),

-- Where credits are shown among the overdue, the overdue of the DSO is before them.
choices as (
    select
        entity_id,
        unapplied
    from {{ ref('int_entity_policies') }}
),

dso as (
    select
        as_of_date,
        scope_value as entity_id,
        outstanding_company_amount,
        overdue_company_amount
    from {{ ref('mart_dso') }}
    where scope_type = 'entity'
)

select
    as_of_date,
    entity_id,
    dso.outstanding_company_amount,
    aged_balance.open_company_amount,
    dso.overdue_company_amount as dso_overdue_company_amount,
    aged_balance.overdue_company_amount as aged_overdue_company_amount
from dso
full outer join aged_balance
    using (as_of_date, entity_id)
left join choices
    using (entity_id)
where
    coalesce(dso.outstanding_company_amount, 0) <> coalesce(aged_balance.open_company_amount, 0)
    or (
        choices.unapplied = 'separate'
        and coalesce(dso.overdue_company_amount, 0)
        <> coalesce(aged_balance.overdue_company_amount, 0)
    )
