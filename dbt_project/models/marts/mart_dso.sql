-- grain: one row per as_of_date, scope_type and scope_value
-- Dates of a scope with neither open items nor revenue in the year before have no row.
with reporting_dates as (
    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_date
    from {{ ref('int_reporting_dates') }}
),

-- The currency comes with both sides: joined to what the two have in common, a value that either
-- may give, the planner would take a million rows for a thousand.
balances as (
    select
        scope_balances.as_of_date,
        scope_balances.scope_type,
        scope_balances.scope_value,
        scope_values.company_currency_code,
        scope_balances.outstanding_company_amount,
        scope_balances.dso_receivables_company_amount,
        scope_balances.not_due_company_amount,
        scope_balances.open_invoices_company_amount,
        scope_balances.overdue_company_amount,
        scope_balances.open_invoice_count,
        scope_balances.overdue_invoice_count
    from {{ ref('int_scope_balances') }} as scope_balances
    inner join {{ ref('int_scope_values') }} as scope_values
        on
            scope_balances.scope_type = scope_values.scope_type
            and scope_balances.scope_value = scope_values.scope_value
),

revenue as (
    select
        windows.as_of_date,
        windows.scope_type,
        windows.scope_value,
        scope_values.company_currency_code,
        windows.revenue_365_company_amount,
        windows.revenue_90_company_amount,
        windows.revenue_since_previous_company_amount,
        windows.written_off_since_previous_company_amount
    from {{ ref('int_scope_revenue_windows') }} as windows
    inner join {{ ref('int_scope_values') }} as scope_values
        on
            windows.scope_type = scope_values.scope_type
            and windows.scope_value = scope_values.scope_value
),

scope_dates as (
    select
        as_of_date,
        scope_type,
        scope_value,
        company_currency_code,
        -- No open item and no document are truly zero.
        coalesce(balances.outstanding_company_amount, 0) as outstanding_company_amount,
        coalesce(balances.dso_receivables_company_amount, 0) as dso_receivables_company_amount,
        coalesce(balances.not_due_company_amount, 0) as not_due_company_amount,
        coalesce(balances.open_invoices_company_amount, 0) as open_invoices_company_amount,
        coalesce(balances.overdue_company_amount, 0) as overdue_company_amount,
        coalesce(balances.open_invoice_count, 0) as open_invoice_count,
        coalesce(balances.overdue_invoice_count, 0) as overdue_invoice_count,
        coalesce(revenue.revenue_365_company_amount, 0) as revenue_365_company_amount,
        coalesce(revenue.revenue_90_company_amount, 0) as revenue_90_company_amount,
        coalesce(revenue.revenue_since_previous_company_amount, 0)
            as revenue_since_previous_company_amount,
        coalesce(revenue.written_off_since_previous_company_amount, 0)
            as written_off_since_previous_company_amount
    from balances
    full outer join revenue
        using (as_of_date, scope_type, scope_value, company_currency_code)
),

measured as (
    select
        scope_dates.*,
        reporting_dates.previous_date,
        coalesce(previous_balances.outstanding_company_amount, 0)
            as opening_outstanding_company_amount,
        coalesce(totals.dso_countback, 0.00) as dso_countback,
        coalesce(totals.dso_best_possible, 0.00) as dso_best_possible,
        totals.total_remainder_company_amount
    from scope_dates
    inner join reporting_dates
        on scope_dates.as_of_date = reporting_dates.as_of_date
    left join balances as previous_balances
        on
            reporting_dates.previous_date = previous_balances.as_of_date
            and scope_dates.scope_type = previous_balances.scope_type
            and scope_dates.scope_value = previous_balances.scope_value
    left join {{ ref('int_countback_totals') }} as totals
        on
            scope_dates.as_of_date = totals.as_of_date
            and scope_dates.scope_type = totals.scope_type
            and scope_dates.scope_value = totals.scope_value
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        company_currency_code,
        -- Without receivables the DSO is zero; with receivables and no revenue at all it is
        -- exhausted at zero days, and the whole amount is the remainder.
        dso_countback,
        case
            when dso_receivables_company_amount <= 0 then 'no_debt'
            when coalesce(total_remainder_company_amount, dso_receivables_company_amount) > 0
                then 'history_exhausted'
            else 'ok'
        end as dso_status,
        case
            when dso_receivables_company_amount <= 0 then 0
            else coalesce(total_remainder_company_amount, dso_receivables_company_amount)
        end as dso_remainder_amount,
        case
            when revenue_90_company_amount > 0
                then round(dso_receivables_company_amount / revenue_90_company_amount * 90, 2)
        end as dso_accounting_90,
        case
            when revenue_365_company_amount > 0
                then round(dso_receivables_company_amount / revenue_365_company_amount * 365, 2)
        end as dso_accounting_365,
        dso_best_possible,
        dso_countback - dso_best_possible as average_days_delinquent,
        case
            when
                previous_date is not null
                and opening_outstanding_company_amount
                + revenue_since_previous_company_amount - not_due_company_amount <> 0
                then round(
                    100
                    * (
                        opening_outstanding_company_amount
                        + revenue_since_previous_company_amount - outstanding_company_amount
                    )
                    / (
                        opening_outstanding_company_amount
                        + revenue_since_previous_company_amount - not_due_company_amount
                    ), 2
                )
        end as cei,
        -- What was written off is out of the receivables, but nobody collected it.
        case
            when
                previous_date is not null
                and opening_outstanding_company_amount
                + revenue_since_previous_company_amount - not_due_company_amount <> 0
                then round(
                    100
                    * (
                        opening_outstanding_company_amount
                        + revenue_since_previous_company_amount - outstanding_company_amount
                        - written_off_since_previous_company_amount
                    )
                    / (
                        opening_outstanding_company_amount
                        + revenue_since_previous_company_amount - not_due_company_amount
                    ), 2
                )
        end as cei_without_write_offs,
        outstanding_company_amount,
        dso_receivables_company_amount,
        overdue_company_amount,
        case
            when open_invoices_company_amount > 0
                then round(overdue_company_amount / open_invoices_company_amount, 6)
        end as overdue_ratio_amount,
        case
            when open_invoice_count > 0
                then round(cast(overdue_invoice_count as numeric) / open_invoice_count, 6)
        end as overdue_ratio_count
    from measured
)

select * from final
