-- Rule: an item that is settled in its own currency is exactly zero in the base currency, on every
-- day. Source: contracts, section 3; a residue after settlement is exchange difference or
-- rounding, not a debt (odoo/odoo#65271, frappe/erpnext#32675).
with daily_balances as (
    select
        open_item_id,
        movement_date,
        sum(sum(amount)) over running as open_amount,
        sum(sum(company_amount)) over running as open_company_amount
    from {{ ref('fct_receivable_movements') }}
    group by open_item_id, movement_date
    window running as (
        partition by open_item_id
        order by movement_date
    )
)

select *
from daily_balances
where open_amount = 0 and open_company_amount <> 0
