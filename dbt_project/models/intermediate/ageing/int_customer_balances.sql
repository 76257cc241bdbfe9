-- grain: one row per reporting date and customer: what is open, and what of it counts in the DSO
-- What counts is decided item by item, so that every scope is the sum of its customers. Scopes and
-- payers both read it: items are added up by customer once.
with final as (
    select
        as_of_date,
        entity_id,
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
        sum(case when days_overdue > 0 then open_company_amount else 0 end)
            as overdue_company_amount,
        -- What is not overdue weighs nothing in the averages of payers.
        sum(case when days_overdue > 0 then open_company_amount * days_overdue else 0 end)
            as overdue_late_amount_days,
        sum(
            case
                when days_overdue > 0
                    then open_company_amount * {{ days_between('as_of_date', 'issue_date') }}
                else 0
            end
        ) as overdue_to_pay_amount_days,
        count(days_overdue) as open_invoice_count,
        count(case when days_overdue > 0 then 1 end) as overdue_invoice_count
    from {{ ref('int_aged_items') }}
    group by as_of_date, entity_id, customer_id
)

select * from final
