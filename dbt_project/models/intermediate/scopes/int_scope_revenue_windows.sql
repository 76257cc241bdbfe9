-- grain: one row per reporting date and scope with revenue in the 365 days up to the date
with reporting_dates as (
    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_date
    from {{ ref('int_reporting_dates') }}
),

customer_windows as (
    select
        reporting_dates.as_of_date,
        revenue.customer_id,
        sum(revenue.revenue_company_amount) as revenue_365_company_amount,
        sum(
            case
                when revenue.revenue_date > {{ add_days('reporting_dates.as_of_date', -90) }}
                    then revenue.revenue_company_amount
                else 0
            end
        ) as revenue_90_company_amount,
        sum(
            case
                when revenue.revenue_date > reporting_dates.previous_date
                    then revenue.revenue_company_amount
                else 0
            end
        ) as revenue_since_previous_company_amount
    from {{ ref('int_customer_revenue') }} as revenue
    inner join reporting_dates
        on
            revenue.revenue_date <= reporting_dates.as_of_date
            and revenue.revenue_date > {{ add_days('reporting_dates.as_of_date', -365) }}
    group by reporting_dates.as_of_date, revenue.customer_id
),

final as (
    select
        customer_windows.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        sum(customer_windows.revenue_365_company_amount) as revenue_365_company_amount,
        sum(customer_windows.revenue_90_company_amount) as revenue_90_company_amount,
        sum(customer_windows.revenue_since_previous_company_amount)
            as revenue_since_previous_company_amount
    from customer_windows
    inner join {{ ref('int_scopes') }} as scopes
        on customer_windows.customer_id = scopes.customer_id
    group by customer_windows.as_of_date, scopes.scope_type, scopes.scope_value
)

select * from final
