-- grain: one row per reporting date, scope, basis and month that the count-back consumes
-- Count-back (domain: DSO par apurement). Going back in time, the revenue added up so far reaches
-- a new peak only when a month outweighs the negative months after it; each month consumes what
-- lies between the peak before it and its own, and its days in that proportion. Under zero_month
-- = stop the way ends before the first month without sales.
with moved_scopes as (
    select
        scope_type,
        scope_value
    from {{ ref('int_scope_moved_revenue') }}
    group by scope_type, scope_value
),

amounts as (
    select
        amounts.as_of_date,
        amounts.scope_type,
        amounts.scope_value,
        amounts.basis,
        amounts.receivables_company_amount,
        scope_values.zero_month,
        months_of_date.revenue_to_month_company_amount as revenue_to_date_company_amount,
        moved_scopes.scope_type is not null as has_moved_revenue
    from {{ ref('int_countback_amounts') }} as amounts
    inner join {{ ref('int_scope_values') }} as scope_values
        on
            amounts.scope_type = scope_values.scope_type
            and amounts.scope_value = scope_values.scope_value
    inner join {{ ref('int_scope_revenue_months') }} as months_of_date
        on
            amounts.scope_type = months_of_date.scope_type
            and amounts.scope_value = months_of_date.scope_value
            and {{ month_start('amounts.as_of_date') }} = months_of_date.month_start
    left join moved_scopes
        on
            amounts.scope_type = moved_scopes.scope_type
            and amounts.scope_value = moved_scopes.scope_value
),

-- A month is reached only when the sales after it are less than the receivables: most of the
-- history is out before anything is sorted. (A month left out has a peak above the receivables
-- after it, so those before it are left out by their peaks as well.)
ladder as (
    select
        amounts.as_of_date,
        amounts.scope_type,
        amounts.scope_value,
        amounts.basis,
        amounts.receivables_company_amount,
        amounts.zero_month,
        revenue_months.month_start,
        {{ days_between(
            'least(revenue_months.month_end, amounts.as_of_date)', 'revenue_months.month_start'
        ) }} + 1 as month_days,
        revenue_months.revenue_company_amount + coalesce(moved.moved_company_amount, 0)
            as revenue_company_amount
    from amounts
    inner join {{ ref('int_scope_revenue_months') }} as revenue_months
        on
            amounts.scope_type = revenue_months.scope_type
            and amounts.scope_value = revenue_months.scope_value
            and revenue_months.month_start <= amounts.as_of_date
            and (
                amounts.has_moved_revenue
                or amounts.revenue_to_date_company_amount
                - revenue_months.revenue_to_month_company_amount
                < amounts.receivables_company_amount
            )
    left join {{ ref('int_scope_moved_revenue') }} as moved
        on
            amounts.as_of_date = moved.as_of_date
            and amounts.scope_type = moved.scope_type
            and amounts.scope_value = moved.scope_value
            and revenue_months.month_start = moved.month_start
),

walked as (
    select
        ladder.*,
        sum(revenue_company_amount) over back_to_month as revenue_back_to_month,
        sum(case when revenue_company_amount <= 0 then 1 else 0 end) over back_to_month
            as empty_months
    from ladder
    window back_to_month as (
        partition by as_of_date, scope_type, scope_value, basis
        order by month_start desc
    )
),

peaks as (
    select
        walked.*,
        greatest(max(revenue_back_to_month) over (
            partition by as_of_date, scope_type, scope_value, basis
            order by month_start desc
        ), 0) as peak,
        greatest(coalesce(max(revenue_back_to_month) over (
            partition by as_of_date, scope_type, scope_value, basis
            order by month_start desc
            rows between unbounded preceding and 1 preceding
        ), 0), 0) as peak_before
    from walked
    where zero_month = 'pass' or empty_months = 0
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
