-- grain: one row per scope and calendar month, from its first invoiced month to the as-of date
-- A month without sales is a row of zero: the count-back walks over it.
with customer_revenue as (
    select
        revenue.customer_id,
        profiles.profile_id,
        {{ month_start('revenue.revenue_date') }} as month_start,
        sum(revenue.revenue_company_amount) as revenue_company_amount
    from {{ ref('int_customer_revenue') }} as revenue
    inner join {{ ref('int_scope_profiles') }} as profiles
        on revenue.customer_id = profiles.customer_id
    group by
        revenue.customer_id, profiles.profile_id, {{ month_start('revenue.revenue_date') }}
),

profile_revenue as (
    select
        profile_id,
        month_start,
        sum(revenue_company_amount) as revenue_company_amount
    from customer_revenue
    group by profile_id, month_start
),

monthly_revenue as (
    select
        'customer' as scope_type,
        customer_id as scope_value,
        month_start,
        revenue_company_amount
    from customer_revenue
    union all
    select
        scopes.scope_type,
        scopes.scope_value,
        profile_revenue.month_start,
        sum(profile_revenue.revenue_company_amount) as revenue_company_amount
    from profile_revenue
    inner join {{ ref('int_scopes') }} as scopes
        on
            profile_revenue.profile_id = scopes.customer_id
            and scopes.scope_type <> 'customer'
    group by scopes.scope_type, scopes.scope_value, profile_revenue.month_start
    union all
    select
        scope_type,
        scope_value,
        {{ month_start('business_date') }} as month_start,
        sum(revenue_company_amount) as revenue_company_amount
    from {{ ref('int_document_scope_days') }}
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

months as (
    select
        first_months.scope_type,
        first_months.scope_value,
        {{ add_months('first_months.first_month', 'numbers.n') }} as month_start
    from first_months
    inner join {{ ref('numbers') }} as numbers
        on
            {{ add_months('first_months.first_month', 'numbers.n') }}
            <= {{ month_start(as_of_date()) }}
),

filled as (
    select
        months.scope_type,
        months.scope_value,
        months.month_start,
        {{ month_end('months.month_start') }} as month_end,
        -- No document in a month is truly no revenue.
        coalesce(monthly_revenue.revenue_company_amount, 0) as revenue_company_amount
    from months
    left join monthly_revenue
        on
            months.scope_type = monthly_revenue.scope_type
            and months.scope_value = monthly_revenue.scope_value
            and months.month_start = monthly_revenue.month_start
),

final as (
    select
        scope_type,
        scope_value,
        month_start,
        month_end,
        revenue_company_amount,
        sum(revenue_company_amount) over (
            partition by scope_type, scope_value
            order by month_start
        ) as revenue_to_month_company_amount
    from filled
)

select * from final
