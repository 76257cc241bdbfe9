-- grain: one row per month and scope whose customers paid in the month
-- What is counted is one payment on one invoice instalment, in the month in which it took effect
-- and if it was still in force at the end of it: a payment that bounces later stays in its month.
-- Customers are added up by profile before they meet their scopes.
with periods as (
    select
        as_of_date,
        {{ month_start('as_of_date') }} as month_start
    from {{ ref('int_reporting_dates') }}
),

payments as (
    select
        customer_id,
        credit_item_id,
        open_item_id,
        effective_date,
        {{ month_start('effective_date') }} as month_start,
        in_force_from,
        in_force_to,
        company_amount,
        {{ days_between('effective_date', 'due_date') }} as days_late
    from {{ ref('fct_invoice_settlements') }}
    where settlement_type = 'payment'
),

-- What was matched with an instalment in several steps is one payment of it.
instalment_payments as (
    select
        payments.customer_id,
        periods.as_of_date,
        payments.credit_item_id,
        payments.open_item_id,
        payments.days_late,
        sum(payments.company_amount) as company_amount
    from payments
    inner join periods
        on
            payments.month_start = periods.month_start
            and payments.effective_date <= periods.as_of_date
            and payments.in_force_from <= periods.as_of_date
            and (
                payments.in_force_to is null
                or payments.in_force_to > periods.as_of_date
            )
    group by
        payments.customer_id, periods.as_of_date, payments.credit_item_id, payments.open_item_id,
        payments.days_late
),

customer_periods as (
    select
        customer_id,
        as_of_date,
        count(*) as payment_count,
        count(*) filter (where days_late > 0) as late_count,
        sum(company_amount) as paid_company_amount,
        sum(company_amount) filter (where days_late > 0) as late_company_amount,
        sum(company_amount * days_late) filter (where days_late > 0) as late_amount_days
    from instalment_payments
    group by customer_id, as_of_date
),

-- A customer has one profile for each group of scope types.
profile_periods as (
    select
        profiles.profile_id,
        customer_periods.as_of_date,
        sum(customer_periods.payment_count) as payment_count,
        sum(customer_periods.late_count) as late_count,
        sum(customer_periods.paid_company_amount) as paid_company_amount,
        -- Who paid all on time was late with truly nothing.
        coalesce(sum(customer_periods.late_company_amount), 0) as late_company_amount,
        coalesce(sum(customer_periods.late_amount_days), 0) as late_amount_days
    from customer_periods
    inner join {{ ref('int_scope_profiles') }} as profiles
        on customer_periods.customer_id = profiles.customer_id
    group by profiles.profile_id, customer_periods.as_of_date
),

scope_periods as (
    select
        profile_periods.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        min(scopes.company_currency_code) as company_currency_code,
        sum(profile_periods.payment_count) as payment_count,
        sum(profile_periods.late_count) as late_count,
        sum(profile_periods.paid_company_amount) as paid_company_amount,
        sum(profile_periods.late_company_amount) as late_company_amount,
        sum(profile_periods.late_amount_days) as late_amount_days
    from profile_periods
    -- A profile counts in each of its scopes.
    inner join {{ ref('int_profile_scopes') }} as scopes
        on profile_periods.profile_id = scopes.profile_id
    group by profile_periods.as_of_date, scopes.scope_type, scopes.scope_value
),

final as (
    select
        periods.month_start,
        periods.as_of_date,
        scope_periods.scope_type,
        scope_periods.scope_value,
        scope_periods.company_currency_code,
        cast(scope_periods.payment_count as bigint) as payment_count,
        cast(scope_periods.payment_count - scope_periods.late_count as bigint) as on_time_count,
        cast(scope_periods.late_count as bigint) as late_count,
        scope_periods.paid_company_amount,
        scope_periods.paid_company_amount - scope_periods.late_company_amount
            as on_time_company_amount,
        scope_periods.late_company_amount,
        round(cast(scope_periods.late_count as numeric) / scope_periods.payment_count, 6)
            as late_share_count,
        round(scope_periods.late_company_amount / nullif(scope_periods.paid_company_amount, 0), 6)
            as late_share_amount,
        round(scope_periods.late_amount_days / nullif(scope_periods.late_company_amount, 0), 2)
            as avg_days_late_of_late
    from scope_periods
    inner join periods
        on scope_periods.as_of_date = periods.as_of_date
)

select * from final
