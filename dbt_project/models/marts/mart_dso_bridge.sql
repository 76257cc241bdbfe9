-- grain: one row per as_of_date but the first, scope_type and scope_value above the customer
-- One figure after the other is replaced, in a fixed order: the sales of the date first, then what
-- is not due, what is overdue (net of unapplied credits) and what is disputed. Each effect is the
-- difference of two count-backs, so the four sum to the change exactly.
with reporting_dates as (
    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_date,
        lead(as_of_date) over (order by as_of_date) as next_date
    from {{ ref('int_reporting_dates') }}
),

dso as (
    select
        as_of_date,
        scope_type,
        scope_value,
        dso_countback,
        dso_receivables_company_amount
    from {{ ref('mart_dso') }}
    where scope_type <> 'customer'
),

scope_dates as (
    select
        dso.as_of_date,
        dso.scope_type,
        dso.scope_value
    from dso
    inner join reporting_dates
        on dso.as_of_date = reporting_dates.as_of_date
    where reporting_dates.previous_date is not null
    union
    select
        reporting_dates.next_date as as_of_date,
        dso.scope_type,
        dso.scope_value
    from dso
    inner join reporting_dates
        on dso.as_of_date = reporting_dates.as_of_date
    where reporting_dates.next_date is not null
),

measured as (
    select
        scope_dates.as_of_date,
        scope_dates.scope_type,
        scope_dates.scope_value,
        reporting_dates.previous_date,
        scope_values.company_currency_code,
        -- A scope that has no row at a date has neither debts nor sales then: 0 days, 0 owed.
        round(coalesce(opening.dso_countback, 0), 2) as dso_opening,
        round(coalesce(totals.opening_days, 0), 2) as dso_after_revenue,
        round(coalesce(totals.after_not_due_days, 0), 2) as dso_after_not_due,
        round(coalesce(totals.after_overdue_days, 0), 2) as dso_after_overdue,
        round(coalesce(closing.dso_countback, 0), 2) as dso_closing,
        coalesce(opening.dso_receivables_company_amount, 0)
            as opening_receivables_company_amount,
        coalesce(closing.dso_receivables_company_amount, 0)
            as closing_receivables_company_amount,
        coalesce(
            balances.closing_not_due_company_amount - balances.opening_not_due_company_amount, 0
        ) as not_due_change_company_amount,
        coalesce(
            balances.closing_overdue_company_amount - balances.opening_overdue_company_amount, 0
        ) as overdue_change_company_amount,
        coalesce(
            balances.closing_disputed_company_amount - balances.opening_disputed_company_amount, 0
        ) as disputed_change_company_amount
    from scope_dates
    inner join reporting_dates
        on scope_dates.as_of_date = reporting_dates.as_of_date
    inner join {{ ref('int_scope_values') }} as scope_values
        on
            scope_dates.scope_type = scope_values.scope_type
            and scope_dates.scope_value = scope_values.scope_value
    left join dso as opening
        on
            reporting_dates.previous_date = opening.as_of_date
            and scope_dates.scope_type = opening.scope_type
            and scope_dates.scope_value = opening.scope_value
    left join dso as closing
        on
            scope_dates.as_of_date = closing.as_of_date
            and scope_dates.scope_type = closing.scope_type
            and scope_dates.scope_value = closing.scope_value
    left join {{ ref('int_countback_totals') }} as totals
        on
            scope_dates.as_of_date = totals.as_of_date
            and scope_dates.scope_type = totals.scope_type
            and scope_dates.scope_value = totals.scope_value
    left join {{ ref('int_bridge_balances') }} as balances
        on
            scope_dates.as_of_date = balances.as_of_date
            and scope_dates.scope_type = balances.scope_type
            and scope_dates.scope_value = balances.scope_value
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        previous_date,
        dso_opening,
        dso_after_revenue - dso_opening as revenue_effect_days,
        dso_after_not_due - dso_after_revenue as not_due_effect_days,
        dso_after_overdue - dso_after_not_due as overdue_effect_days,
        dso_closing - dso_after_overdue as dispute_effect_days,
        dso_closing,
        company_currency_code,
        opening_receivables_company_amount,
        not_due_change_company_amount,
        overdue_change_company_amount,
        disputed_change_company_amount,
        closing_receivables_company_amount
    from measured
)

select * from final
