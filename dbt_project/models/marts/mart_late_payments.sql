-- grain: one row per month and scope whose customers paid in the month
-- What is counted is one payment on one invoice instalment, in the month in which it took effect and
-- if it was still in force at the end of it: a payment that bounces later stays in its month.
with periods as (
    select
        as_of_date,
        {{ month_start('as_of_date') }} as month_start
    from {{ ref('int_reporting_dates') }}
),

payments as (
    select
        customer_id,
        least({{ month_end('effective_date') }}, {{ as_of_date() }}) as period_end_date,
        in_force_from,
        in_force_to,
        company_amount,
        {{ days_between('effective_date', 'due_date') }} as days_late
    from {{ ref('int_invoice_settlements') }}
    where settlement_type = 'payment'
),

customer_months as (
    select
        customer_id,
        period_end_date,
        count(*) as payment_count,
        sum(case when days_late > 0 then 1 else 0 end) as late_count,
        sum(company_amount) as paid_company_amount,
        sum(case when days_late > 0 then company_amount else 0 end) as late_company_amount,
        sum(case when days_late > 0 then company_amount * days_late else 0 end)
            as late_amount_days
    from payments
    where
        in_force_from <= period_end_date
        and (in_force_to is null or in_force_to > period_end_date)
    group by customer_id, period_end_date
),

scope_months as (
    select
        customer_months.period_end_date,
        scopes.scope_type,
        scopes.scope_value,
        min(scopes.company_currency_code) as company_currency_code,
        sum(customer_months.payment_count) as payment_count,
        sum(customer_months.late_count) as late_count,
        sum(customer_months.paid_company_amount) as paid_company_amount,
        sum(customer_months.late_company_amount) as late_company_amount,
        sum(customer_months.late_amount_days) as late_amount_days
    from customer_months
    -- A customer counts in each of its scopes.
    inner join {{ ref('int_scopes') }} as scopes
        on
            customer_months.customer_id = scopes.customer_id
            and scopes.scope_type <> 'customer'
    group by customer_months.period_end_date, scopes.scope_type, scopes.scope_value
),

final as (
    select
        periods.month_start,
        periods.as_of_date,
        scope_months.scope_type,
        scope_months.scope_value,
        scope_months.company_currency_code,
        cast(scope_months.payment_count as bigint) as payment_count,
        cast(scope_months.payment_count - scope_months.late_count as bigint) as on_time_count,
        cast(scope_months.late_count as bigint) as late_count,
        scope_months.paid_company_amount,
        scope_months.paid_company_amount - scope_months.late_company_amount
            as on_time_company_amount,
        scope_months.late_company_amount,
        round(cast(scope_months.late_count as numeric) / scope_months.payment_count, 6)
            as late_share_count,
        round(scope_months.late_company_amount / nullif(scope_months.paid_company_amount, 0), 6)
            as late_share_amount,
        round(scope_months.late_amount_days / nullif(scope_months.late_company_amount, 0), 2)
            as avg_days_late_of_late
    from scope_months
    inner join periods
        on scope_months.period_end_date = periods.as_of_date
)

select * from final
