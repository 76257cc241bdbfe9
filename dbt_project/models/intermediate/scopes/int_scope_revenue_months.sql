-- grain: one row per scope and calendar month, from its first invoiced month to the as-of date
-- A month without sales is a row of zero: the count-back walks over it. The two months before are
-- at hand in each row, empty before the first: the count-back seldom needs more.
with monthly_revenue as (
    select
        scope_type,
        scope_value,
        {{ month_start('business_date') }} as month_start,
        sum(revenue_company_amount) as revenue_company_amount,
        count(*) as revenue_days
    from {{ ref('int_scope_days') }}
    where revenue_company_amount is not null
    group by scope_type, scope_value, {{ month_start('business_date') }}
),

first_months as (
    select
        scope_type,
        scope_value,
        min(month_start) as first_month
    from monthly_revenue
    group by scope_type, scope_value
),

calendar as (
    select {{ each_month('earliest.month_start', month_start(as_of_date())) }} as month_start
    from (select min(first_month) as month_start from first_months) as earliest
),

filled as (
    select
        first_months.scope_type,
        first_months.scope_value,
        calendar.month_start,
        {{ month_end('calendar.month_start') }} as month_end,
        -- No document in a month is truly no revenue.
        coalesce(monthly_revenue.revenue_company_amount, 0) as revenue_company_amount,
        coalesce(monthly_revenue.revenue_days, 0) as revenue_days
    from first_months
    inner join calendar
        on first_months.first_month <= calendar.month_start
    left join monthly_revenue
        on
            first_months.scope_type = monthly_revenue.scope_type
            and first_months.scope_value = monthly_revenue.scope_value
            and calendar.month_start = monthly_revenue.month_start
),

final as (
    select
        scope_type,
        scope_value,
        month_start,
        month_end,
        revenue_company_amount,
        lag(revenue_company_amount) over up_to_month as revenue_1_month_before_company_amount,
        lag(revenue_company_amount, 2) over up_to_month
            as revenue_2_months_before_company_amount,
        sum(revenue_company_amount) over up_to_month as revenue_to_month_company_amount,
        sum(revenue_days) over up_to_month as revenue_days_to_month
    from filled
    window up_to_month as (
        partition by scope_type, scope_value
        order by month_start
    )
)

select * from final
