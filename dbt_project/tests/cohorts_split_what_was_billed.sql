-- Rule: of what a month billed, no part is negative or more than all, and a cohort collects less
-- than a month earlier only where a payment was reversed in between. Source: conservation of money;
-- counting a payment twice by a join is OCA/account-financial-reporting#829.
with cohorts as (
    select
        entity_id,
        issue_month,
        age_months,
        period_end_date,
        billed_company_amount,
        collected_company_amount,
        credited_company_amount,
        written_off_company_amount,
        open_company_amount,
        collected_company_amount - lag(collected_company_amount, 1, 0) over (
            partition by entity_id, issue_month
            order by age_months
        ) as collected_in_month_company_amount
    from {{ ref('mart_invoice_cohorts') }}
),

months_with_reversals as (
    select
        entity_id,
        {{ month_start('movement_date') }} as month_start
    from {{ ref('fct_receivable_movements') }}
    where movement_type = 'reversal'
    group by entity_id, {{ month_start('movement_date') }}
)

select cohorts.*
from cohorts
left join months_with_reversals
    on
        cohorts.entity_id = months_with_reversals.entity_id
        and {{ month_start('cohorts.period_end_date') }} = months_with_reversals.month_start
where
    cohorts.collected_company_amount < 0
    or cohorts.credited_company_amount < 0
    or cohorts.written_off_company_amount < 0
    or cohorts.open_company_amount < 0
    or (
        cohorts.collected_in_month_company_amount < 0
        and months_with_reversals.month_start is null
    )
