-- grain: one row per reporting date, scope and period whose sales credit notes moved as seen then
-- A period is a month, or a day where the scope is counted back by days. A credit note dated after
-- the reporting date has not moved anything yet.
with credits as (
    select
        scopes.scope_type,
        scopes.scope_value,
        moved.from_date,
        moved.to_date,
        moved.effective_date,
        moved.credited_company_amount
    from {{ ref('int_moved_credit_notes') }} as moved
    inner join {{ ref('int_scopes') }} as scopes
        on moved.customer_id = scopes.customer_id
    union all
    -- Both documents carry the value of the attribute, else the credit note stays where it is.
    select
        credit_notes.scope_type,
        credit_notes.scope_value,
        moved.from_date,
        moved.to_date,
        moved.effective_date,
        moved.credited_company_amount
    from {{ ref('int_moved_credit_notes') }} as moved
    inner join {{ ref('int_document_scopes') }} as credit_notes
        on moved.document_key = credit_notes.document_key
    inner join {{ ref('int_document_scopes') }} as invoices
        on
            moved.invoice_key = invoices.document_key
            and credit_notes.scope_type = invoices.scope_type
            and credit_notes.scope_value = invoices.scope_value
),

credits_by_period as (
    select
        credits.scope_type,
        credits.scope_value,
        case
            when scope_values.countback_period = 'day' then credits.from_date
            else {{ month_start('credits.from_date') }}
        end as from_period,
        case
            when scope_values.countback_period = 'day' then credits.to_date
            else {{ month_start('credits.to_date') }}
        end as to_period,
        credits.effective_date,
        credits.credited_company_amount
    from credits
    inner join {{ ref('int_scope_values') }} as scope_values
        on
            credits.scope_type = scope_values.scope_type
            and credits.scope_value = scope_values.scope_value
),

moves as (
    select
        scope_type,
        scope_value,
        from_period,
        to_period,
        effective_date,
        sum(credited_company_amount) as credited_company_amount
    from credits_by_period
    where from_period <> to_period
    group by scope_type, scope_value, from_period, to_period, effective_date
),

changes as (
    select
        scope_type,
        scope_value,
        effective_date,
        from_period as period_start,
        credited_company_amount as moved_company_amount
    from moves
    union all
    select
        scope_type,
        scope_value,
        effective_date,
        to_period as period_start,
        -credited_company_amount as moved_company_amount
    from moves
),

final as (
    select
        reporting_dates.as_of_date,
        changes.scope_type,
        changes.scope_value,
        changes.period_start,
        sum(changes.moved_company_amount) as moved_company_amount
    from changes
    inner join {{ ref('int_reporting_dates') }} as reporting_dates
        on changes.effective_date <= reporting_dates.as_of_date
    group by
        reporting_dates.as_of_date,
        changes.scope_type,
        changes.scope_value,
        changes.period_start
)

select * from final
