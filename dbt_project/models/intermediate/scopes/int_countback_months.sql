-- grain: one row per reporting date, scope, basis and month that the count-back consumes
-- Count-back (domain: DSO par apurement). Going back in time, the revenue added up so far reaches
-- a new peak only when a month outweighs the negative months after it; each month consumes what
-- lies between the peak before it and its own, and its days in that proportion.
with balances as (
    select
        as_of_date,
        scope_type,
        scope_value,
        'total' as basis,
        dso_receivables_company_amount as receivables_company_amount
    from {{ ref('int_scope_balances') }}
    where dso_receivables_company_amount > 0
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        'not_due' as basis,
        dso_not_due_company_amount as receivables_company_amount
    from {{ ref('int_scope_balances') }}
    where dso_not_due_company_amount > 0
),

ladder as (
    select
        balances.as_of_date,
        balances.scope_type,
        balances.scope_value,
        balances.basis,
        balances.receivables_company_amount,
        revenue_months.month_start,
        {{ days_between(
            'least(revenue_months.month_end, balances.as_of_date)', 'revenue_months.month_start'
        ) }} + 1 as month_days,
        revenue_months.revenue_company_amount,
        sum(revenue_months.revenue_company_amount) over (
            partition by
                balances.as_of_date, balances.scope_type, balances.scope_value, balances.basis
            order by revenue_months.month_start desc
        ) as revenue_back_to_month
    from balances
    inner join {{ ref('int_scope_revenue_months') }} as revenue_months
        on
            balances.scope_type = revenue_months.scope_type
            and balances.scope_value = revenue_months.scope_value
            and revenue_months.month_start <= balances.as_of_date
),

peaks as (
    select
        ladder.*,
        greatest(max(revenue_back_to_month) over (
            partition by as_of_date, scope_type, scope_value, basis
            order by month_start desc
        ), 0) as peak,
        greatest(coalesce(max(revenue_back_to_month) over (
            partition by as_of_date, scope_type, scope_value, basis
            order by month_start desc
            rows between unbounded preceding and 1 preceding
        ), 0), 0) as peak_before
    from ladder
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        month_start,
        receivables_company_amount,
        revenue_company_amount,
        least(receivables_company_amount, peak) - peak_before as consumed_company_amount,
        case
            when peak <= receivables_company_amount then cast(month_days as numeric)
            else month_days * (receivables_company_amount - peak_before) / (peak - peak_before)
        end as days_added
    from peaks
    where peak_before < receivables_company_amount
)

select * from final
