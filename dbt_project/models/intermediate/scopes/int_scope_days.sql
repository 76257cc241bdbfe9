-- grain: one row per scope and day on which it was invoiced, credited or written off
-- Revenue is empty on a day without documents: a write-off alone is no day of sales. From the first
-- day that this build needs.
with write_offs as (
    select
        customer_id,
        movement_date as business_date,
        -sum(company_amount) as written_off_company_amount
    from {{ ref('fct_receivable_movements') }}
    where
        movement_type = 'write_off'
        and item_type = 'invoice'
        and movement_date >= (select first_day from {{ ref('int_first_scope_day') }})
    group by customer_id, movement_date
),

revenue as (
    select
        customer_id,
        revenue_date as business_date,
        revenue_company_amount
    from {{ ref('int_customer_revenue') }}
    where revenue_date >= (select first_day from {{ ref('int_first_scope_day') }})
),

customer_days as (
    select
        customer_id,
        business_date,
        revenue.revenue_company_amount,
        -- No write-off is truly zero.
        coalesce(write_offs.written_off_company_amount, 0) as written_off_company_amount
    from revenue
    full outer join write_offs
        using (customer_id, business_date)
),

profile_days as (
    select
        profiles.profile_id,
        customer_days.business_date,
        sum(customer_days.revenue_company_amount) as revenue_company_amount,
        sum(customer_days.written_off_company_amount) as written_off_company_amount
    from customer_days
    inner join {{ ref('int_scope_profiles') }} as profiles
        on customer_days.customer_id = profiles.customer_id
    group by profiles.profile_id, customer_days.business_date
),

final as (
    select
        'customer' as scope_type,
        customer_id as scope_value,
        business_date,
        revenue_company_amount,
        written_off_company_amount
    from customer_days
    union all
    select
        scopes.scope_type,
        scopes.scope_value,
        profile_days.business_date,
        sum(profile_days.revenue_company_amount) as revenue_company_amount,
        sum(profile_days.written_off_company_amount) as written_off_company_amount
    from profile_days
    inner join {{ ref('int_profile_scopes') }} as scopes
        on profile_days.profile_id = scopes.profile_id
    group by scopes.scope_type, scopes.scope_value, profile_days.business_date
    union all
    select
        scope_type,
        scope_value,
        business_date,
        revenue_company_amount,
        written_off_company_amount
    from {{ ref('int_document_scope_days') }}
)

select * from final
