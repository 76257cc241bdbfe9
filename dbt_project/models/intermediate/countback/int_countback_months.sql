-- grain: one row per reporting date, scope, basis and month that the count-back consumes
-- Count-back (domain: DSO par apurement). Going back in time, the revenue added up so far reaches
-- a new peak only when a month outweighs the negative months after it; each month consumes what
-- lies between the peak before it and its own, and its days in that proportion. Under zero_month
-- = stop the way ends before the first month without sales. What is counted back by days comes
-- from int_countback_days.
with moved_scopes as (
    select
        scope_type,
        scope_value
    from {{ ref('int_scope_moved_revenue') }}
    group by scope_type, scope_value
),

-- Without negative, moved or ending months every month is a peak: the sales between it and the
-- reporting date are a difference of two running sums, and nothing need be walked.
monthly_scopes as (
    select
        scope_type,
        scope_value,
        min(revenue_company_amount) >= 0 as has_no_negative_month
    from {{ ref('scope_revenue_months') }}
    group by scope_type, scope_value
),

scopes as (
    select
        monthly_scopes.scope_type,
        monthly_scopes.scope_value,
        scope_values.zero_month,
        monthly_scopes.has_no_negative_month
        and scope_values.zero_month = 'pass'
        and moved_scopes.scope_type is null as is_plain,
        moved_scopes.scope_type is not null as has_moved_revenue
    from monthly_scopes
    inner join {{ ref('int_scope_values') }} as scope_values
        on
            monthly_scopes.scope_type = scope_values.scope_type
            and monthly_scopes.scope_value = scope_values.scope_value
            and scope_values.countback_period = 'month'
    left join moved_scopes
        on
            monthly_scopes.scope_type = moved_scopes.scope_type
            and monthly_scopes.scope_value = moved_scopes.scope_value
),

amounts as (
    select
        amounts.as_of_date,
        amounts.scope_type,
        amounts.scope_value,
        amounts.basis,
        amounts.receivables_company_amount,
        {{ month_start('amounts.as_of_date') }} as last_month,
        scopes.zero_month,
        scopes.is_plain,
        scopes.has_moved_revenue,
        months.revenue_to_month_company_amount as revenue_to_date_company_amount,
        months.revenue_company_amount as last_month_company_amount,
        months.revenue_1_month_before_company_amount,
        months.revenue_2_months_before_company_amount
    from {{ ref('int_countback_amounts') }} as amounts
    inner join scopes
        on
            amounts.scope_type = scopes.scope_type
            and amounts.scope_value = scopes.scope_value
    inner join {{ ref('scope_revenue_months') }} as months
        on
            amounts.scope_type = months.scope_type
            and amounts.scope_value = months.scope_value
            and {{ month_start('amounts.as_of_date') }} = months.month_start
),

-- Nearly all amounts are used up within three months: the sales of each, and the peak up to it.
three_months as (
    select
        amounts.*,
        greatest(last_month_company_amount, 0) as peak_0,
        greatest(
            last_month_company_amount,
            last_month_company_amount + revenue_1_month_before_company_amount,
            0
        ) as peak_1,
        greatest(
            last_month_company_amount,
            last_month_company_amount + revenue_1_month_before_company_amount,
            last_month_company_amount
            + revenue_1_month_before_company_amount
            + revenue_2_months_before_company_amount,
            0
        ) as peak_2
    from amounts
),

-- A scope with negative months is walked for what three months leave over only; one with moved
-- months or that ends at a month without sales always.
counted as (
    select
        three_months.*,
        is_plain
        or (zero_month = 'pass' and not has_moved_revenue and peak_2 >= receivables_company_amount)
            as is_near
    from three_months
),

near_months as (
    select
        counted.as_of_date,
        counted.scope_type,
        counted.scope_value,
        counted.basis,
        counted.receivables_company_amount,
        {{ add_months('counted.last_month', '-1 * steps.months_back') }} as month_start,
        case steps.months_back
            when 0 then counted.last_month_company_amount
            when 1 then counted.revenue_1_month_before_company_amount
            else counted.revenue_2_months_before_company_amount
        end as revenue_company_amount,
        case steps.months_back
            when 0 then 0
            when 1 then counted.peak_0
            else counted.peak_1
        end as peak_before,
        case steps.months_back
            when 0 then counted.peak_0
            when 1 then counted.peak_1
            else counted.peak_2
        end as peak
    from counted
    cross join (values (0), (1), (2)) as steps (months_back)
    where counted.is_near
),

far_months as (
    select
        counted.as_of_date,
        counted.scope_type,
        counted.scope_value,
        counted.basis,
        counted.receivables_company_amount,
        months.month_start,
        months.revenue_company_amount,
        counted.revenue_to_date_company_amount - months.revenue_to_month_company_amount
            as peak_before
    from counted
    inner join {{ ref('scope_revenue_months') }} as months
        on
            counted.scope_type = months.scope_type
            and counted.scope_value = months.scope_value
            and {{ add_months('counted.last_month', -3) }} >= months.month_start
    where
        counted.is_plain
        and counted.peak_2 < counted.receivables_company_amount
),

-- The other scopes are walked. A month is reached only when the sales after it are less than the
-- receivables. (A month left out has a peak above the receivables after it, so those before it
-- are left out by their peaks as well.)
ladder as (
    select
        counted.as_of_date,
        counted.scope_type,
        counted.scope_value,
        counted.basis,
        counted.receivables_company_amount,
        counted.zero_month,
        months.month_start,
        months.revenue_company_amount + coalesce(moved.moved_company_amount, 0)
            as revenue_company_amount
    from counted
    inner join {{ ref('scope_revenue_months') }} as months
        on
            counted.scope_type = months.scope_type
            and counted.scope_value = months.scope_value
            and counted.last_month >= months.month_start
    left join {{ ref('int_scope_moved_revenue') }} as moved
        on
            counted.as_of_date = moved.as_of_date
            and counted.scope_type = moved.scope_type
            and counted.scope_value = moved.scope_value
            and months.month_start = moved.period_start
    where
        not counted.is_near
        and (
            counted.has_moved_revenue
            or counted.revenue_to_date_company_amount - months.revenue_to_month_company_amount
            < counted.receivables_company_amount
        )
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

walked_peaks as (
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

peaks as (
    select *
    from near_months
    where revenue_company_amount is not null
    union all
    select
        far_months.*,
        far_months.peak_before + far_months.revenue_company_amount as peak
    from far_months
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        receivables_company_amount,
        month_start,
        revenue_company_amount,
        peak_before,
        peak
    from walked_peaks
),

reached as (
    select
        peaks.*,
        {{ days_between('least(' ~ month_end('month_start') ~ ', as_of_date)', 'month_start') }} + 1
            as month_days
    from peaks
    where peak_before < receivables_company_amount
),

counted_by_months as (
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
    from reached
),

final as (
    select * from counted_by_months
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        month_start,
        receivables_company_amount,
        revenue_company_amount,
        consumed_company_amount,
        days_added
    from {{ ref('int_countback_days') }}
)

select * from final
