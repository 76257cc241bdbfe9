-- Rule: of every open item, the original amount less what was paid, credited and written off is
-- what is open; each of the three has the sign of the item, and what will be paid later is none of
-- them. Source: domain, section 1.2: what was credited stands apart from what was paid
-- (frappe/erpnext#40347), and payments after the date are never netted.
select
    entity_id,
    open_item_id,
    original_amount,
    paid_amount,
    credited_amount,
    written_off_amount,
    open_amount,
    paid_after_asof_amount
from {{ ref('fct_open_items') }}
where
    original_amount - paid_amount - credited_amount - written_off_amount <> open_amount
    or paid_amount * original_amount < 0
    or credited_amount * original_amount < 0
    or written_off_amount * original_amount < 0
    or paid_after_asof_amount < 0
