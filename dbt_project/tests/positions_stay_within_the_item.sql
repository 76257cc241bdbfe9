-- Rule: what is open of an item lies between zero and its original amount, on its side: an invoice
-- is never overpaid and a payment never spent twice. Source: open = invoiced − paid − credited;
-- what exceeds an invoice stays open on the payment (microsoft/BCApps#9529).
select
    items.entity_id,
    positions.open_item_id,
    positions.valid_from,
    positions.open_amount,
    items.original_amount
from {{ ref('int_open_item_positions') }} as positions
inner join {{ ref('int_items') }} as items
    on positions.open_item_id = items.open_item_id
where
    positions.open_amount * items.original_amount < 0
    or abs(positions.open_amount) > abs(items.original_amount)
