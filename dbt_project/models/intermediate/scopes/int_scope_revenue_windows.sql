-- grain: one row per reporting date and scope with revenue in the 365 days up to the date
-- Write-offs since the date before stand beside the revenue: both are flows of the same days. A
-- window is what was sold up to its end less what was sold up to the month in which it begins,
-- and the days of that month which are in the window. Each reporting date is the last known day
-- of its month.
with reporting_dates as (
    select
        as_of_date,
        {{ month_start('as_of_date') }} as month_start,
        {{ month_start(add_days('as_of_date', -365)) }} as month_start_365,
        {{ month_start(add_days('as_of_date', -90)) }} as month_start_90,
        lag(as_of_date) over (order by as_of_date) as previous_date
    from {{ ref('int_reporting_dates') }}
),

window_starts as (
    select
        as_of_date,
        365 as window_days,
        {{ add_days('as_of_date', -365) }} as day_before,
        month_start_365 as month_start
    from reporting_dates
    union all
    select
        as_of_date,
        90 as window_days,
        {{ add_days('as_of_date', -90) }} as day_before,
        month_start_90 as month_start
    from reporting_dates
),

first_days as (
    select
        window_starts.as_of_date,
        days.scope_type,
        days.scope_value,
        sum(
            case when window_starts.window_days = 365 then days.revenue_company_amount else 0 end
        ) as revenue_365_company_amount,
        sum(
            case when window_starts.window_days = 90 then days.revenue_company_amount else 0 end
        ) as revenue_90_company_amount,
        sum(case when window_starts.window_days = 365 then 1 else 0 end) as revenue_days_365
    from {{ ref('int_scope_days') }} as days
    inner join window_starts
        on
            {{ month_start('days.business_date') }} = window_starts.month_start
            and days.business_date > window_starts.day_before
    where days.revenue_company_amount is not null
    group by window_starts.as_of_date, days.scope_type, days.scope_value
),

write_offs as (
    select
        reporting_dates.as_of_date,
        days.scope_type,
        days.scope_value,
        sum(days.written_off_company_amount) as written_off_company_amount
    from {{ ref('int_scope_days') }} as days
    inner join reporting_dates
        on
            days.business_date <= reporting_dates.as_of_date
            and days.business_date > reporting_dates.previous_date
    where days.written_off_company_amount <> 0
    group by reporting_dates.as_of_date, days.scope_type, days.scope_value
),

sold as (
    select
        reporting_dates.as_of_date,
        months.scope_type,
        months.scope_value,
        months.revenue_to_month_company_amount
        -- A scope without revenue by then has sold nothing before the window.
        - coalesce(before_365.revenue_to_month_company_amount, 0)
        + coalesce(first_days.revenue_365_company_amount, 0) as revenue_365_company_amount,
        months.revenue_to_month_company_amount
        - coalesce(before_90.revenue_to_month_company_amount, 0)
        + coalesce(first_days.revenue_90_company_amount, 0) as revenue_90_company_amount,
        case
            when reporting_dates.previous_date is not null then months.revenue_company_amount
            else 0
        end as revenue_since_previous_company_amount,
        months.revenue_days_to_month
        - coalesce(before_365.revenue_days_to_month, 0)
        + coalesce(first_days.revenue_days_365, 0) as revenue_days
    from {{ ref('scope_revenue_months') }} as months
    inner join reporting_dates
        on months.month_start = reporting_dates.month_start
    left join {{ ref('scope_revenue_months') }} as before_365
        on
            reporting_dates.month_start_365 = before_365.month_start
            and months.scope_type = before_365.scope_type
            and months.scope_value = before_365.scope_value
    left join {{ ref('scope_revenue_months') }} as before_90
        on
            reporting_dates.month_start_90 = before_90.month_start
            and months.scope_type = before_90.scope_type
            and months.scope_value = before_90.scope_value
    left join first_days
        on
            reporting_dates.as_of_date = first_days.as_of_date
            and months.scope_type = first_days.scope_type
            and months.scope_value = first_days.scope_value
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        coalesce(sold.revenue_365_company_amount, 0) as revenue_365_company_amount,
        coalesce(sold.revenue_90_company_amount, 0) as revenue_90_company_amount,
        coalesce(sold.revenue_since_previous_company_amount, 0)
            as revenue_since_previous_company_amount,
        coalesce(write_offs.written_off_company_amount, 0)
            as written_off_since_previous_company_amount
    from sold
    full outer join write_offs
        using (as_of_date, scope_type, scope_value)
    where sold.revenue_days > 0 or write_offs.written_off_company_amount is not null
)

select * from final
