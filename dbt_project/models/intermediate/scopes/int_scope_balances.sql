-- grain: one row per reporting date and scope: what is open, and what of it counts in the DSO
with customer_balances as (
    select
        as_of_date,
        customer_id,
        sum(open_company_amount) as outstanding_company_amount,
        sum(case when is_doubtful then 0 else open_company_amount end)
            as undoubtful_company_amount,
        sum(case when bucket = 'not_due' and not is_doubtful then open_company_amount else 0 end)
            as undoubtful_not_due_company_amount,
        sum(case when bucket = 'not_due' then open_company_amount else 0 end)
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

final as (
    select
        customer_balances.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        min(scopes.company_currency_code) as company_currency_code,
        sum(customer_balances.outstanding_company_amount) as outstanding_company_amount,
        sum(
            case {{ policy('doubtful_in_dso') }}
                when 'in' then customer_balances.outstanding_company_amount
                else customer_balances.undoubtful_company_amount
            end
        ) as dso_receivables_company_amount,
        sum(
            case {{ policy('doubtful_in_dso') }}
                when 'in' then customer_balances.not_due_company_amount
                else customer_balances.undoubtful_not_due_company_amount
            end
        ) as dso_not_due_company_amount,
        sum(customer_balances.not_due_company_amount) as not_due_company_amount,
        sum(customer_balances.open_invoices_company_amount) as open_invoices_company_amount,
        sum(customer_balances.overdue_company_amount) as overdue_company_amount,
        sum(customer_balances.open_invoice_count) as open_invoice_count,
        sum(customer_balances.overdue_invoice_count) as overdue_invoice_count
    from customer_balances
    inner join {{ ref('int_scopes') }} as scopes
        on customer_balances.customer_id = scopes.customer_id
    group by customer_balances.as_of_date, scopes.scope_type, scopes.scope_value
)

select * from final
