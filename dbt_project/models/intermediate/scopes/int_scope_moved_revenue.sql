-- grain: one row per reporting date, scope and month whose sales credit notes moved as seen then
-- A credit note dated after the reporting date has not moved anything yet.
with moves as (
    select
        scopes.scope_type,
        scopes.scope_value,
        moved.from_month,
        moved.to_month,
        moved.effective_date,
        sum(moved.credited_company_amount) as credited_company_amount
    from {{ ref('int_moved_credit_notes') }} as moved
    inner join {{ ref('int_scopes') }} as scopes
        on moved.customer_id = scopes.customer_id
    group by
        scopes.scope_type,
        scopes.scope_value,
        moved.from_month,
        moved.to_month,
        moved.effective_date
    union all
    -- Both documents carry the value of the attribute, else the credit note stays where it is.
    select
        credit_notes.scope_type,
        credit_notes.scope_value,
        moved.from_month,
        moved.to_month,
        moved.effective_date,
        sum(moved.credited_company_amount) as credited_company_amount
    from {{ ref('int_moved_credit_notes') }} as moved
    inner join {{ ref('int_document_scopes') }} as credit_notes
        on moved.document_key = credit_notes.document_key
    inner join {{ ref('int_document_scopes') }} as invoices
        on
            moved.invoice_key = invoices.document_key
            and credit_notes.scope_type = invoices.scope_type
            and credit_notes.scope_value = invoices.scope_value
    group by
        credit_notes.scope_type,
        credit_notes.scope_value,
        moved.from_month,
        moved.to_month,
        moved.effective_date
),

changes as (
    select
        scope_type,
        scope_value,
        effective_date,
        from_month as month_start,
        credited_company_amount as moved_company_amount
    from moves
    union all
    select
        scope_type,
        scope_value,
        effective_date,
        to_month as month_start,
        -credited_company_amount as moved_company_amount
    from moves
),

final as (
    select
        reporting_dates.as_of_date,
        changes.scope_type,
        changes.scope_value,
        changes.month_start,
        sum(changes.moved_company_amount) as moved_company_amount
    from changes
    inner join {{ ref('int_reporting_dates') }} as reporting_dates
        on changes.effective_date <= reporting_dates.as_of_date
    group by
        reporting_dates.as_of_date,
        changes.scope_type,
        changes.scope_value,
        changes.month_start
)

select * from final
