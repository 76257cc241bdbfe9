-- grain: one row per month and scope whose customers paid in the month
-- What is counted is one payment on one invoice instalment, in the month in which it took effect
-- and if it was still in force at the end of it: a payment that bounces later stays in its month.
-- Customers that belong to the same scopes are added up first.
with periods as (
    select
        as_of_date,
        {{ month_start('as_of_date') }} as month_start
    from {{ ref('int_reporting_dates') }}
),

-- Each day knows its period, so that payments find theirs by equality.
period_days as (
    select
        periods.as_of_date,
        {{ add_days('periods.month_start', 'numbers.n') }} as period_day
    from periods
    inner join {{ ref('numbers') }} as numbers
        on {{ add_days('periods.month_start', 'numbers.n') }} <= periods.as_of_date
),

customer_scopes as (
    select
        customer_id,
        string_agg(
            {{ surrogate_key(['scope_type', 'scope_value']) }}, '::' order by scope_type
        ) as scope_set
    from {{ ref('int_scopes') }}
    where scope_type <> 'customer'
    group by customer_id
),

set_customers as (
    select
        scope_set,
        min(customer_id) as customer_id
    from customer_scopes
    group by scope_set
),

payments as (
    select
        customer_id,
        effective_date,
        in_force_from,
        in_force_to,
        company_amount,
        {{ days_between('effective_date', 'due_date') }} as days_late
    from {{ ref('int_invoice_settlements') }}
    where settlement_type = 'payment'
),

set_periods as (
    select
        customer_scopes.scope_set,
        period_days.as_of_date,
        count(*) as payment_count,
        sum(case when payments.days_late > 0 then 1 else 0 end) as late_count,
        sum(payments.company_amount) as paid_company_amount,
        sum(case when payments.days_late > 0 then payments.company_amount else 0 end)
            as late_company_amount,
        sum(
            case
                when payments.days_late > 0 then payments.company_amount * payments.days_late
                else 0
            end
        ) as late_amount_days
    from payments
    inner join period_days
        on
            payments.effective_date = period_days.period_day
            and payments.in_force_from <= period_days.as_of_date
            and (
                payments.in_force_to is null
                or payments.in_force_to > period_days.as_of_date
            )
    inner join customer_scopes
        on payments.customer_id = customer_scopes.customer_id
    group by customer_scopes.scope_set, period_days.as_of_date
),

scope_periods as (
    select
        set_periods.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        min(scopes.company_currency_code) as company_currency_code,
        sum(set_periods.payment_count) as payment_count,
        sum(set_periods.late_count) as late_count,
        sum(set_periods.paid_company_amount) as paid_company_amount,
        sum(set_periods.late_company_amount) as late_company_amount,
        sum(set_periods.late_amount_days) as late_amount_days
    from set_periods
    inner join set_customers
        on set_periods.scope_set = set_customers.scope_set
    -- A set counts in each of its scopes, which are those of any of its customers.
    inner join {{ ref('int_scopes') }} as scopes
        on
            set_customers.customer_id = scopes.customer_id
            and scopes.scope_type <> 'customer'
    group by set_periods.as_of_date, scopes.scope_type, scopes.scope_value
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
