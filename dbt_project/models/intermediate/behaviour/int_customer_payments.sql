-- grain: one row per reporting date and customer whose payments took effect in the 3 months before
-- Of a payment only what is in force at the reporting date counts. Each day knows the reporting
-- dates whose window holds it, so that payments find theirs by equality.
with window_days as (
    select
        reporting_dates.as_of_date,
        {{ add_days('reporting_dates.as_of_date', '-1 * numbers.n') }} as window_day
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join {{ ref('numbers') }} as numbers
        on
            {{ add_days('reporting_dates.as_of_date', '-1 * numbers.n') }}
            > {{ add_months('reporting_dates.as_of_date', -3) }}
),

payments as (
    select
        entity_id,
        customer_id,
        effective_date,
        in_force_from,
        in_force_to,
        company_amount,
        {{ days_between('effective_date', 'due_date') }} as days_late,
        {{ days_between('effective_date', 'issue_date') }} as days_to_pay
    from {{ ref('fct_invoice_settlements') }}
    where settlement_type = 'payment'
),

final as (
    select
        window_days.as_of_date,
        payments.entity_id,
        payments.customer_id,
        sum(payments.company_amount) as paid_company_amount,
        sum(payments.company_amount * payments.days_late) as late_amount_days,
        sum(payments.company_amount * payments.days_to_pay) as to_pay_amount_days
    from payments
    -- A payment counts at each reporting date whose window holds it.
    inner join window_days
        on
            payments.effective_date = window_days.window_day
            and payments.in_force_from <= window_days.as_of_date
            and (
                payments.in_force_to is null
                or payments.in_force_to > window_days.as_of_date
            )
    group by window_days.as_of_date, payments.entity_id, payments.customer_id
)

select * from final
