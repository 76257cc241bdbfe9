-- Rule: an invoice instalment less the settlements in force is what is open of it, in both
-- currencies, on every day up to the as-of date. Source: the behaviour marts read settlements, the
-- balances read positions; the two must tell one history (OCA/account-financial-reporting#829).
-- What is the same before the first day and changes alike on each day is the same on every day.
-- What changes of an item without explanation must be zero, so the sum of all items is too when
-- each has a weight of its own; a row names the day, whose items can then be compared one by one.
with changes as (
    select
        entity_id,
        open_item_id,
        booking_date as changed_on,
        original_amount as amount,
        {{ company_amount('original_amount', 'exchange_rate', 'company_minor_units') }}
            as company_amount
    from {{ ref('int_items') }}
    where item_type = 'invoice' and booking_date <= {{ as_of_date() }}
    union all
    select
        entity_id,
        open_item_id,
        in_force_from as changed_on,
        -amount as amount,
        -company_amount as company_amount
    from {{ ref('int_invoice_settlements') }}
    union all
    select
        entity_id,
        open_item_id,
        in_force_to as changed_on,
        amount,
        company_amount
    from {{ ref('int_invoice_settlements') }}
    where in_force_to is not null
    union all
    select
        entity_id,
        open_item_id,
        valid_from as changed_on,
        -open_amount as amount,
        -open_company_amount as company_amount
    from {{ ref('int_open_item_positions') }}
    where item_type = 'invoice'
    union all
    select
        entity_id,
        open_item_id,
        valid_to as changed_on,
        open_amount as amount,
        open_company_amount as company_amount
    from {{ ref('int_open_item_positions') }}
    where item_type = 'invoice' and valid_to is not null
)

-- Most amounts are the same in both currencies, so only their difference is added up beside them.
select
    changed_on,
    entity_id,
    sum(amount) as unexplained_amount,
    sum(company_amount - amount) filter (where company_amount <> amount)
        as unexplained_conversion_amount
from changes
group by changed_on, entity_id
having
    sum(amount * {{ row_digest(['open_item_id']) }}) <> 0
    or sum((company_amount - amount) * {{ row_digest(['open_item_id']) }})
        filter (where company_amount <> amount) <> 0
