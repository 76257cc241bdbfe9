-- Rule: a settlement moves what a credit has left to a debit: on each day the two sides sum to
-- zero in the document's currency. Issues and write-offs have one side only. Source: conservation;
-- doubled or half-booked settlements are OCA/account-financial-reporting#829 and odoo/odoo#19984.
select
    entity_id,
    currency_code,
    movement_date,
    sum(amount) as created_amount
from {{ ref('int_receivable_movements') }}
where movement_type not in ('issue', 'write_off')
group by entity_id, currency_code, movement_date
having sum(amount) <> 0
