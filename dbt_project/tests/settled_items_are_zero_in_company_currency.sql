-- Rule: an item that is settled in its own currency is exactly zero in the base currency, on every
-- day. Source: contracts, section 3; a residue after settlement is exchange difference or
-- rounding, not a debt (odoo/odoo#65271, frappe/erpnext#32675).
-- An item whose movements all have the same amount in both currencies has the same balance in both.
with converted_items as (
    select open_item_id
    from {{ ref('int_receivable_movements') }}
    where amount <> company_amount
    group by open_item_id
),

daily_balances as (
    select
        movements.open_item_id,
        movements.movement_date,
        sum(sum(movements.amount)) over running as open_amount,
        sum(sum(movements.company_amount)) over running as open_company_amount
    from {{ ref('int_receivable_movements') }} as movements
    inner join converted_items
        on movements.open_item_id = converted_items.open_item_id
    group by movements.open_item_id, movements.movement_date
    window running as (
        partition by movements.open_item_id
        order by movements.movement_date
    )
)

select *
from daily_balances
where open_amount = 0 and open_company_amount <> 0
