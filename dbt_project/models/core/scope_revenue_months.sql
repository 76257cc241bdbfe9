-- grain: one row per scope and calendar month, from its first invoiced month to the as-of date
-- A month without sales is a row of zero: the count-back walks over it. The two months before are
-- at hand in each row, empty before the first: the count-back seldom needs more.
with last_carried as (
    select max(as_of_date) as as_of_date
    from {{ ref('int_carried_dates') }}
),

carried_months as (
    select
        published.scope_type,
        published.scope_value,
        published.month_start,
        published.month_end,
        published.company_currency_code,
        published.revenue_company_amount,
        published.revenue_1_month_before_company_amount,
        published.revenue_2_months_before_company_amount,
        published.revenue_to_month_company_amount,
        published.revenue_days_to_month
    from {{ source('previous', 'carried_scope_revenue_months') }} as published
    inner join last_carried
        on published.month_end <= last_carried.as_of_date
),

months_before as (
    select
        carried_months.scope_type,
        carried_months.scope_value,
        carried_months.month_start,
        carried_months.revenue_company_amount,
        carried_months.revenue_1_month_before_company_amount,
        carried_months.revenue_to_month_company_amount,
        carried_months.revenue_days_to_month
    from carried_months
    inner join last_carried
        on carried_months.month_end = last_carried.as_of_date
),

monthly_revenue as (
    select
        days.scope_type,
        days.scope_value,
        {{ month_start('days.business_date') }} as month_start,
        sum(days.revenue_company_amount) as revenue_company_amount,
        count(*) as revenue_days
    from {{ ref('int_scope_days') }} as days
    cross join last_carried
    where
        days.revenue_company_amount is not null
        and (last_carried.as_of_date is null or days.business_date > last_carried.as_of_date)
    group by days.scope_type, days.scope_value, {{ month_start('days.business_date') }}
),

months_to_begin_with as (
    select
        scope_type,
        scope_value,
        month_start
    from monthly_revenue
    union all
    select
        scope_type,
        scope_value,
        {{ add_months('month_start', 1) }} as month_start
    from months_before
),

first_months as (
    select
        scope_type,
        scope_value,
        min(month_start) as first_month
    from months_to_begin_with
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

added_up as (
    select
        filled.*,
        row_number() over up_to_month as month_number,
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
),

final as (
    select
        added_up.scope_type,
        added_up.scope_value,
        added_up.month_start,
        added_up.month_end,
        scopes.company_currency_code,
        added_up.revenue_company_amount,
        coalesce(
            added_up.revenue_1_month_before_company_amount,
            months_before.revenue_company_amount
        ) as revenue_1_month_before_company_amount,
        coalesce(
            added_up.revenue_2_months_before_company_amount,
            case added_up.month_number
                when 1 then months_before.revenue_1_month_before_company_amount
                when 2 then months_before.revenue_company_amount
            end
        ) as revenue_2_months_before_company_amount,
        -- Of a scope without months before, nothing was sold in them.
        coalesce(months_before.revenue_to_month_company_amount, 0)
        + added_up.revenue_to_month_company_amount as revenue_to_month_company_amount,
        coalesce(months_before.revenue_days_to_month, 0)
        + cast(added_up.revenue_days_to_month as bigint) as revenue_days_to_month
    from added_up
    inner join {{ ref('int_scope_values') }} as scopes
        on
            added_up.scope_type = scopes.scope_type
            and added_up.scope_value = scopes.scope_value
    left join months_before
        on
            added_up.scope_type = months_before.scope_type
            and added_up.scope_value = months_before.scope_value
    union all
    select
        scope_type,
        scope_value,
        month_start,
        month_end,
        company_currency_code,
        revenue_company_amount,
        revenue_1_month_before_company_amount,
        revenue_2_months_before_company_amount,
        revenue_to_month_company_amount,
        revenue_days_to_month
    from carried_months
)

select * from final
