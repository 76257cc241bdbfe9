-- grain: one row per reporting date and scope: what is open, and what of it counts in the DSO
-- A view: it only lines up what others store.
{{ config(materialized='view') }}

with final as (
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
        overdue_company_amount,
        not_due_company_amount + overdue_company_amount as open_invoices_company_amount,
        open_invoice_count,
        overdue_invoice_count
    from {{ ref('int_customer_balances') }}
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
        overdue_company_amount,
        not_due_company_amount + overdue_company_amount as open_invoices_company_amount,
        open_invoice_count,
        overdue_invoice_count
    from {{ ref('int_segment_balances') }}
)

select * from final
