-- grain: one row per reporting date and customer with revenue in its calendar year so far
with reporting_dates as (
    select
        as_of_date,
        extract(year from as_of_date) as calendar_year
    from {{ ref('int_reporting_dates') }}
),

-- Days fall to the month end after them, the last ones to the as-of date: a sum per month is
-- enough to be added up to any reporting date.
monthly_revenue as (
    select
        entity_id,
        customer_id,
        extract(year from revenue_date) as calendar_year,
        least({{ month_end('revenue_date') }}, {{ as_of_date() }}) as period_end_date,
        sum(revenue_excl_tax_company_amount) as revenue_company_amount
    from {{ ref('int_customer_revenue') }}
    group by
        entity_id, customer_id, extract(year from revenue_date),
        least({{ month_end('revenue_date') }}, {{ as_of_date() }})
),

final as (
    select
        reporting_dates.as_of_date,
        monthly_revenue.entity_id,
        monthly_revenue.customer_id,
        sum(monthly_revenue.revenue_company_amount) as revenue_ytd_company_amount
    from monthly_revenue
    -- A month counts at each reporting date of its year that is not before its end.
    inner join reporting_dates
        on
            monthly_revenue.calendar_year = reporting_dates.calendar_year
            and monthly_revenue.period_end_date <= reporting_dates.as_of_date
    group by reporting_dates.as_of_date, monthly_revenue.entity_id, monthly_revenue.customer_id
)

select * from final
