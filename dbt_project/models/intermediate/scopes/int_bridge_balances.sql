-- grain: one row per reporting date but the first, and scope above the customer: DSO receivables
-- at the date before (opening) and at the date (closing), in the parts that the bridge explains
-- Disputed is taken first; what is left is not due or overdue. Unapplied credits are netted with
-- the overdue, which they are usually meant for.
with reporting_dates as (
    select
        as_of_date,
        lead(as_of_date) over (order by as_of_date) as next_date
    from {{ ref('int_reporting_dates') }}
),

first_date as (
    select min(as_of_date) as as_of_date
    from reporting_dates
),

parts as (
    select
        as_of_date,
        scope_type,
        scope_value,
        dso_not_due_company_amount - dso_disputed_not_due_company_amount
            as not_due_company_amount,
        dso_receivables_company_amount
        - dso_disputed_company_amount
        - (dso_not_due_company_amount - dso_disputed_not_due_company_amount)
            as overdue_company_amount,
        dso_disputed_company_amount as disputed_company_amount
    from {{ ref('int_scope_balances') }}
    where scope_type <> 'customer'
),

sides as (
    select
        reporting_dates.next_date as as_of_date,
        parts.scope_type,
        parts.scope_value,
        parts.not_due_company_amount as opening_not_due_company_amount,
        parts.overdue_company_amount as opening_overdue_company_amount,
        parts.disputed_company_amount as opening_disputed_company_amount,
        0 as closing_not_due_company_amount,
        0 as closing_overdue_company_amount,
        0 as closing_disputed_company_amount
    from parts
    inner join reporting_dates
        on parts.as_of_date = reporting_dates.as_of_date
    where reporting_dates.next_date is not null
    union all
    select
        parts.as_of_date,
        parts.scope_type,
        parts.scope_value,
        0 as opening_not_due_company_amount,
        0 as opening_overdue_company_amount,
        0 as opening_disputed_company_amount,
        parts.not_due_company_amount as closing_not_due_company_amount,
        parts.overdue_company_amount as closing_overdue_company_amount,
        parts.disputed_company_amount as closing_disputed_company_amount
    from parts
    inner join first_date
        on parts.as_of_date > first_date.as_of_date
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        sum(opening_not_due_company_amount) as opening_not_due_company_amount,
        sum(opening_overdue_company_amount) as opening_overdue_company_amount,
        sum(opening_disputed_company_amount) as opening_disputed_company_amount,
        sum(closing_not_due_company_amount) as closing_not_due_company_amount,
        sum(closing_overdue_company_amount) as closing_overdue_company_amount,
        sum(closing_disputed_company_amount) as closing_disputed_company_amount
    from sides
    group by as_of_date, scope_type, scope_value
)

select * from final
