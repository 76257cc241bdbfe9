-- grain: one row per reporting date and scope: what is open, and what of it counts in the DSO
-- What counts is decided item by item, so that every scope is the sum of its customers.
with customer_balances as (
    select
        as_of_date,
        customer_id,
        sum(open_company_amount) as outstanding_company_amount,
        sum(dso_company_amount) as dso_receivables_company_amount,
        sum(case when days_overdue <= 0 then dso_company_amount else 0 end)
            as dso_not_due_company_amount,
        sum(dso_disputed_company_amount) as dso_disputed_company_amount,
        sum(case when days_overdue <= 0 then dso_disputed_company_amount else 0 end)
            as dso_disputed_not_due_company_amount,
        sum(case when days_overdue <= 0 then open_company_amount else 0 end)
            as not_due_company_amount,
        sum(case when item_type = 'invoice' then open_company_amount else 0 end)
            as open_invoices_company_amount,
        sum(case when days_overdue > 0 then open_company_amount else 0 end)
            as overdue_company_amount,
        sum(case when item_type = 'invoice' then 1 else 0 end) as open_invoice_count,
        sum(case when days_overdue > 0 then 1 else 0 end) as overdue_invoice_count
    from {{ ref('int_aged_items') }}
    group by as_of_date, customer_id
),

-- Payments and credit notes left open belong to no attribute of a document.
document_balances as (
    select
        items.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        sum(items.open_company_amount) as outstanding_company_amount,
        sum(items.dso_company_amount) as dso_receivables_company_amount,
        sum(case when items.days_overdue <= 0 then dso_company_amount else 0 end)
            as dso_not_due_company_amount,
        sum(items.dso_disputed_company_amount) as dso_disputed_company_amount,
        sum(case when items.days_overdue <= 0 then dso_disputed_company_amount else 0 end)
            as dso_disputed_not_due_company_amount,
        sum(case when items.days_overdue <= 0 then open_company_amount else 0 end)
            as not_due_company_amount,
        sum(items.open_company_amount) as open_invoices_company_amount,
        sum(case when items.days_overdue > 0 then open_company_amount else 0 end)
            as overdue_company_amount,
        count(*) as open_invoice_count,
        sum(case when items.days_overdue > 0 then 1 else 0 end) as overdue_invoice_count
    from {{ ref('int_aged_items') }} as items
    inner join {{ ref('int_document_scopes') }} as scopes
        on items.item_key = scopes.document_key
    where items.item_type = 'invoice'
    group by items.as_of_date, scopes.scope_type, scopes.scope_value
),

profile_balances as (
    select
        customer_balances.as_of_date,
        profiles.profile_id,
        sum(customer_balances.outstanding_company_amount) as outstanding_company_amount,
        sum(customer_balances.dso_receivables_company_amount) as dso_receivables_company_amount,
        sum(customer_balances.dso_not_due_company_amount) as dso_not_due_company_amount,
        sum(customer_balances.dso_disputed_company_amount) as dso_disputed_company_amount,
        sum(customer_balances.dso_disputed_not_due_company_amount)
            as dso_disputed_not_due_company_amount,
        sum(customer_balances.not_due_company_amount) as not_due_company_amount,
        sum(customer_balances.open_invoices_company_amount) as open_invoices_company_amount,
        sum(customer_balances.overdue_company_amount) as overdue_company_amount,
        sum(customer_balances.open_invoice_count) as open_invoice_count,
        sum(customer_balances.overdue_invoice_count) as overdue_invoice_count
    from customer_balances
    inner join {{ ref('int_scope_profiles') }} as profiles
        on customer_balances.customer_id = profiles.customer_id
    group by customer_balances.as_of_date, profiles.profile_id
),

segment_balances as (
    select
        profile_balances.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        sum(profile_balances.outstanding_company_amount) as outstanding_company_amount,
        sum(profile_balances.dso_receivables_company_amount) as dso_receivables_company_amount,
        sum(profile_balances.dso_not_due_company_amount) as dso_not_due_company_amount,
        sum(profile_balances.dso_disputed_company_amount) as dso_disputed_company_amount,
        sum(profile_balances.dso_disputed_not_due_company_amount)
            as dso_disputed_not_due_company_amount,
        sum(profile_balances.not_due_company_amount) as not_due_company_amount,
        sum(profile_balances.open_invoices_company_amount) as open_invoices_company_amount,
        sum(profile_balances.overdue_company_amount) as overdue_company_amount,
        sum(profile_balances.open_invoice_count) as open_invoice_count,
        sum(profile_balances.overdue_invoice_count) as overdue_invoice_count
    from profile_balances
    inner join {{ ref('int_scopes') }} as scopes
        on
            profile_balances.profile_id = scopes.customer_id
            and scopes.scope_type <> 'customer'
    group by profile_balances.as_of_date, scopes.scope_type, scopes.scope_value
),

final as (
    select
        as_of_date,
        'customer' as scope_type,
        customer_id as scope_value,
        outstanding_company_amount,
        dso_receivables_company_amount,
        dso_not_due_company_amount,
        dso_disputed_company_amount,
        dso_disputed_not_due_company_amount,
        not_due_company_amount,
        open_invoices_company_amount,
        overdue_company_amount,
        cast(open_invoice_count as bigint) as open_invoice_count,
        cast(overdue_invoice_count as bigint) as overdue_invoice_count
    from customer_balances
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        outstanding_company_amount,
        dso_receivables_company_amount,
        dso_not_due_company_amount,
        dso_disputed_company_amount,
        dso_disputed_not_due_company_amount,
        not_due_company_amount,
        open_invoices_company_amount,
        overdue_company_amount,
        cast(open_invoice_count as bigint) as open_invoice_count,
        cast(overdue_invoice_count as bigint) as overdue_invoice_count
    from segment_balances
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        outstanding_company_amount,
        dso_receivables_company_amount,
        dso_not_due_company_amount,
        dso_disputed_company_amount,
        dso_disputed_not_due_company_amount,
        not_due_company_amount,
        open_invoices_company_amount,
        overdue_company_amount,
        cast(open_invoice_count as bigint) as open_invoice_count,
        cast(overdue_invoice_count as bigint) as overdue_invoice_count
    from document_balances
)

select * from final
