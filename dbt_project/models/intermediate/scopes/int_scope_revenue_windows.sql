-- grain: one row per reporting date and scope with revenue in the 365 days up to the date
-- Write-offs since the date before stand beside the revenue: both are flows of the same days.
with reporting_dates as (
    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_date
    from {{ ref('int_reporting_dates') }}
),

customer_days as (
    select
        customer_id,
        revenue_date as business_date,
        revenue_company_amount,
        0 as written_off_company_amount
    from {{ ref('int_customer_revenue') }}
    union all
    select
        customer_id,
        movement_date as business_date,
        0 as revenue_company_amount,
        -company_amount as written_off_company_amount
    from {{ ref('fct_receivable_movements') }}
    where movement_type = 'write_off' and item_type = 'invoice'
),

customer_windows as (
    select
        reporting_dates.as_of_date,
        days.customer_id,
        sum(days.revenue_company_amount) as revenue_365_company_amount,
        sum(
            case
                when days.business_date > {{ add_days('reporting_dates.as_of_date', -90) }}
                    then days.revenue_company_amount
                else 0
            end
        ) as revenue_90_company_amount,
        sum(
            case
                when days.business_date > reporting_dates.previous_date
                    then days.revenue_company_amount
                else 0
            end
        ) as revenue_since_previous_company_amount,
        sum(
            case
                when days.business_date > reporting_dates.previous_date
                    then days.written_off_company_amount
                else 0
            end
        ) as written_off_since_previous_company_amount
    from customer_days as days
    inner join reporting_dates
        on
            days.business_date <= reporting_dates.as_of_date
            and days.business_date > {{ add_days('reporting_dates.as_of_date', -365) }}
    group by reporting_dates.as_of_date, days.customer_id
),

profile_windows as (
    select
        customer_windows.as_of_date,
        profiles.profile_id,
        sum(customer_windows.revenue_365_company_amount) as revenue_365_company_amount,
        sum(customer_windows.revenue_90_company_amount) as revenue_90_company_amount,
        sum(customer_windows.revenue_since_previous_company_amount)
            as revenue_since_previous_company_amount,
        sum(customer_windows.written_off_since_previous_company_amount)
            as written_off_since_previous_company_amount
    from customer_windows
    inner join {{ ref('int_scope_profiles') }} as profiles
        on customer_windows.customer_id = profiles.customer_id
    group by customer_windows.as_of_date, profiles.profile_id
),

final as (
    select
        as_of_date,
        'customer' as scope_type,
        customer_id as scope_value,
        revenue_365_company_amount,
        revenue_90_company_amount,
        revenue_since_previous_company_amount,
        written_off_since_previous_company_amount
    from customer_windows
    union all
    select
        profile_windows.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        sum(profile_windows.revenue_365_company_amount) as revenue_365_company_amount,
        sum(profile_windows.revenue_90_company_amount) as revenue_90_company_amount,
        sum(profile_windows.revenue_since_previous_company_amount)
            as revenue_since_previous_company_amount,
        sum(profile_windows.written_off_since_previous_company_amount)
            as written_off_since_previous_company_amount
    from profile_windows
    inner join {{ ref('int_scopes') }} as scopes
        on
            profile_windows.profile_id = scopes.customer_id
            and scopes.scope_type <> 'customer'
    group by profile_windows.as_of_date, scopes.scope_type, scopes.scope_value
    union all
    select
        reporting_dates.as_of_date,
        days.scope_type,
        days.scope_value,
        sum(days.revenue_company_amount) as revenue_365_company_amount,
        sum(
            case
                when days.business_date > {{ add_days('reporting_dates.as_of_date', -90) }}
                    then days.revenue_company_amount
                else 0
            end
        ) as revenue_90_company_amount,
        sum(
            case
                when days.business_date > reporting_dates.previous_date
                    then days.revenue_company_amount
                else 0
            end
        ) as revenue_since_previous_company_amount,
        sum(
            case
                when days.business_date > reporting_dates.previous_date
                    then days.written_off_company_amount
                else 0
            end
        ) as written_off_since_previous_company_amount
    from {{ ref('int_document_scope_days') }} as days
    inner join reporting_dates
        on
            days.business_date <= reporting_dates.as_of_date
            and days.business_date > {{ add_days('reporting_dates.as_of_date', -365) }}
    group by reporting_dates.as_of_date, days.scope_type, days.scope_value
)

select * from final
