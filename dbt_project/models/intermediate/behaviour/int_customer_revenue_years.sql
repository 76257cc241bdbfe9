-- grain: one row per reporting date and customer with revenue in its calendar year so far
with reporting_dates as (
    select
        as_of_date,
        extract(year from as_of_date) as calendar_year
    from {{ ref('int_reporting_dates') }}
),

-- Days fall to the month end after them, the last ones to the as-of date.
monthly_revenue as (
    select
        entity_id,
        customer_id,
        least({{ month_end('revenue_date') }}, {{ as_of_date() }}) as period_end_date,
        sum(revenue_excl_tax_company_amount) as revenue_company_amount
    from {{ ref('int_customer_revenue') }}
    where extract(year from revenue_date) >= (select min(calendar_year) from reporting_dates)
    group by
        entity_id, customer_id, least({{ month_end('revenue_date') }}, {{ as_of_date() }})
),

yearly_revenue as (
    select
        entity_id,
        customer_id,
        extract(year from period_end_date) as calendar_year,
        period_end_date,
        lead(period_end_date) over months_of_year as next_period_end_date,
        sum(revenue_company_amount) over months_of_year as revenue_company_amount
    from monthly_revenue
    window months_of_year as (
        partition by customer_id, extract(year from period_end_date)
        order by period_end_date
    )
),

final as (
    select
        reporting_dates.as_of_date,
        yearly_revenue.entity_id,
        yearly_revenue.customer_id,
        yearly_revenue.revenue_company_amount as revenue_ytd_company_amount
    from yearly_revenue
    -- A sum holds at each reporting date of its year until the next month with revenue.
    inner join reporting_dates
        on
            yearly_revenue.calendar_year = reporting_dates.calendar_year
            and yearly_revenue.period_end_date <= reporting_dates.as_of_date
            and (
                yearly_revenue.next_period_end_date is null
                or yearly_revenue.next_period_end_date > reporting_dates.as_of_date
            )
)

select * from final
