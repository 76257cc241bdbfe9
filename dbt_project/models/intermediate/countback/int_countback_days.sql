-- grain: one row per reporting date, scope, basis and month that the count-back by days goes into
-- Policy countback_period = day: the rule of int_countback_months on the sales of single days. A
-- day without sales is passed over, so only days with documents are walked and the calendar counts
-- the others. Under zero_month = stop the way ends before the first month without sales, as there:
-- else every Sunday would end it.
with moved_scopes as (
    select
        scope_type,
        scope_value
    from {{ ref('int_scope_moved_revenue') }}
    group by scope_type, scope_value
),

scopes as (
    select
        scope_values.scope_type,
        scope_values.scope_value,
        scope_values.zero_month,
        moved_scopes.scope_type is not null as has_moved_revenue
    from {{ ref('int_scope_values') }} as scope_values
    left join moved_scopes
        on
            scope_values.scope_type = moved_scopes.scope_type
            and scope_values.scope_value = moved_scopes.scope_value
    where scope_values.countback_period = 'day'
),

amounts as (
    select
        amounts.as_of_date,
        amounts.scope_type,
        amounts.scope_value,
        amounts.basis,
        amounts.receivables_company_amount,
        scopes.zero_month,
        scopes.has_moved_revenue,
        months.revenue_to_month_company_amount as revenue_to_date_company_amount
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

days as (
    select
        scope_days.scope_type,
        scope_days.scope_value,
        scope_days.business_date,
        scope_days.revenue_company_amount,
        sum(scope_days.revenue_company_amount) over up_to_day as revenue_to_day_company_amount,
        min(scope_days.business_date) over up_to_day as first_day
    from {{ ref('int_scope_days') }} as scope_days
    inner join scopes
        on
            scope_days.scope_type = scopes.scope_type
            and scope_days.scope_value = scopes.scope_value
    where scope_days.revenue_company_amount is not null
    window up_to_day as (
        partition by scope_days.scope_type, scope_days.scope_value
        order by scope_days.business_date
    )
),

-- Sales by day, what moved them and where the way ends are added up, never joined: of choices that
-- few make the planner expects few rows, and would join many by nested loops.
months_that_may_end as (
    select
        amounts.as_of_date,
        amounts.scope_type,
        amounts.scope_value,
        amounts.basis,
        amounts.receivables_company_amount,
        months.month_start,
        months.revenue_company_amount
    from amounts
    inner join {{ ref('scope_revenue_months') }} as months
        on
            amounts.scope_type = months.scope_type
            and amounts.scope_value = months.scope_value
            and amounts.as_of_date >= months.month_start
    where amounts.zero_month = 'stop'
    union all
    select
        amounts.as_of_date,
        amounts.scope_type,
        amounts.scope_value,
        amounts.basis,
        amounts.receivables_company_amount,
        {{ month_start('moved.period_start') }} as month_start,
        moved.moved_company_amount as revenue_company_amount
    from amounts
    inner join {{ ref('int_scope_moved_revenue') }} as moved
        on
            amounts.as_of_date = moved.as_of_date
            and amounts.scope_type = moved.scope_type
            and amounts.scope_value = moved.scope_value
    where amounts.zero_month = 'stop'
),

months_without_sales as (
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        month_start,
        max(receivables_company_amount) as receivables_company_amount
    from months_that_may_end
    group by as_of_date, scope_type, scope_value, basis, month_start
    having sum(revenue_company_amount) <= 0
),

-- A day is reached only when the sales after it are less than the receivables: the others may be
-- left out, as the months of int_countback_months.
steps as (
    select
        amounts.as_of_date,
        amounts.scope_type,
        amounts.scope_value,
        amounts.basis,
        amounts.receivables_company_amount,
        days.business_date,
        days.revenue_company_amount,
        days.first_day
    from amounts
    inner join days
        on
            amounts.scope_type = days.scope_type
            and amounts.scope_value = days.scope_value
            and amounts.as_of_date >= days.business_date
    where
        amounts.has_moved_revenue
        or amounts.revenue_to_date_company_amount - days.revenue_to_day_company_amount
        < amounts.receivables_company_amount
    union all
    select
        amounts.as_of_date,
        amounts.scope_type,
        amounts.scope_value,
        amounts.basis,
        amounts.receivables_company_amount,
        moved.period_start as business_date,
        moved.moved_company_amount as revenue_company_amount,
        null as first_day
    from amounts
    inner join {{ ref('int_scope_moved_revenue') }} as moved
        on
            amounts.as_of_date = moved.as_of_date
            and amounts.scope_type = moved.scope_type
            and amounts.scope_value = moved.scope_value
    union all
    -- Coming back to the last day of such a month, the way has ended on the day after it.
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        receivables_company_amount,
        {{ month_end('month_start') }} as business_date,
        0 as revenue_company_amount,
        {{ add_months('month_start', 1) }} as first_day
    from months_without_sales
),

ladder as (
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        business_date,
        max(receivables_company_amount) as receivables_company_amount,
        sum(revenue_company_amount) as revenue_company_amount,
        max(first_day) as first_day
    from steps
    group by as_of_date, scope_type, scope_value, basis, business_date
),

walked as (
    select
        ladder.as_of_date,
        ladder.scope_type,
        ladder.scope_value,
        ladder.basis,
        ladder.business_date,
        ladder.receivables_company_amount,
        sum(ladder.revenue_company_amount) over back_to_day as revenue_back_to_day,
        max(ladder.first_day) over way as first_day
    from ladder
    window
        way as (partition by as_of_date, scope_type, scope_value, basis),
        back_to_day as (
            partition by as_of_date, scope_type, scope_value, basis
            order by business_date desc
        )
),

peaks as (
    select
        walked.*,
        greatest(max(revenue_back_to_day) over (
            partition by as_of_date, scope_type, scope_value, basis
            order by business_date desc
        ), 0) as peak,
        greatest(coalesce(max(revenue_back_to_day) over (
            partition by as_of_date, scope_type, scope_value, basis
            order by business_date desc
            rows between unbounded preceding and 1 preceding
        ), 0), 0) as peak_before
    from walked
    where business_date >= first_day
),

reached as (
    select
        peaks.*,
        peak >= receivables_company_amount as is_last
    from peaks
    where peak_before < receivables_company_amount
),

-- Where the sales do not suffice, the way goes on to the first day of the history.
ways as (
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        max(receivables_company_amount) as receivables_company_amount,
        coalesce(max(case when is_last then business_date end), max(first_day)) as last_day,
        coalesce(
            max(
                case
                    when is_last
                        then
                            (receivables_company_amount - peak_before) / (peak - peak_before)
                end
            ), 1
        ) as last_day_share
    from reached
    group by as_of_date, scope_type, scope_value, basis
),

parts as (
    select
        ways.as_of_date,
        ways.scope_type,
        ways.scope_value,
        ways.basis,
        months.month_start,
        ways.receivables_company_amount,
        months.revenue_company_amount,
        0 as consumed_company_amount,
        cast(
            {{ days_between(
                'least(months.month_end, ways.as_of_date)',
                'greatest(months.month_start, ways.last_day)'
            ) }} as numeric
        )
        + case
            when {{ month_start('ways.last_day') }} = months.month_start then ways.last_day_share
            else 1
        end as days_added
    from ways
    inner join {{ ref('scope_revenue_months') }} as months
        on
            ways.scope_type = months.scope_type
            and ways.scope_value = months.scope_value
            and ways.as_of_date >= months.month_start
            and ways.last_day <= months.month_end
    union all
    select
        ways.as_of_date,
        ways.scope_type,
        ways.scope_value,
        ways.basis,
        {{ month_start('moved.period_start') }} as month_start,
        ways.receivables_company_amount,
        moved.moved_company_amount as revenue_company_amount,
        0 as consumed_company_amount,
        0 as days_added
    from ways
    inner join {{ ref('int_scope_moved_revenue') }} as moved
        on
            ways.as_of_date = moved.as_of_date
            and ways.scope_type = moved.scope_type
            and ways.scope_value = moved.scope_value
            and {{ month_start('ways.last_day') }} <= moved.period_start
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        {{ month_start('business_date') }} as month_start,
        receivables_company_amount,
        0 as revenue_company_amount,
        least(receivables_company_amount, peak) - peak_before as consumed_company_amount,
        0 as days_added
    from reached
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        month_start,
        max(receivables_company_amount) as receivables_company_amount,
        sum(revenue_company_amount) as revenue_company_amount,
        sum(consumed_company_amount) as consumed_company_amount,
        sum(days_added) as days_added
    from parts
    group by as_of_date, scope_type, scope_value, basis, month_start
)

select * from final
