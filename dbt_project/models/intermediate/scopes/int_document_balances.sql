-- grain: one row per reporting date, document scope, currency and bucket: what is open of invoices
-- Payments and credit notes left open belong to no attribute of a document.
with final as (
    select
        items.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        items.currency_code,
        items.home_bucket as bucket,
        min(scopes.company_currency_code) as company_currency_code,
        sum(items.open_amount) as open_amount,
        sum(items.open_company_amount) as open_company_amount,
        sum(items.dso_company_amount) as dso_receivables_company_amount,
        sum(case when items.days_overdue <= 0 then items.dso_company_amount else 0 end)
            as dso_not_due_company_amount,
        sum(items.dso_disputed_company_amount) as dso_disputed_company_amount,
        sum(case when items.days_overdue <= 0 then items.dso_disputed_company_amount else 0 end)
            as dso_disputed_not_due_company_amount,
        sum(case when items.days_overdue <= 0 then items.open_company_amount else 0 end)
            as not_due_company_amount,
        sum(case when items.days_overdue > 0 then items.open_company_amount else 0 end)
            as overdue_company_amount,
        count(*) as open_invoice_count,
        count(case when items.days_overdue > 0 then 1 end) as overdue_invoice_count
    from {{ ref('int_aged_items') }} as items
    inner join {{ ref('int_document_scopes') }} as scopes
        on items.item_key = scopes.document_key
    where items.item_type = 'invoice'
    group by
        items.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        items.currency_code,
        items.home_bucket
)

select * from final
