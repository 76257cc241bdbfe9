-- Rule: an invoice instalment less the settlements in force is what is open of it, in both
-- currencies: for every instalment at the as-of date, and on every day for those where a settlement
-- ceased. Source: the behaviour marts read settlements, the balances read positions; the two must
-- tell one history (OCA/account-financial-reporting#829).
with items as (
    select
        open_item_id,
        booking_date,
        original_amount,
        {{ company_amount('original_amount', 'exchange_rate', 'company_minor_units') }}
            as original_company_amount
    from {{ ref('int_items') }}
    where item_type = 'invoice'
),

items_with_changes as (
    select open_item_id
    from {{ ref('int_invoice_settlements') }}
    where in_force_to is not null
    group by open_item_id
),

parts_at_the_end as (
    select
        open_item_id,
        original_amount as amount,
        original_company_amount as company_amount
    from items
    where booking_date <= {{ as_of_date() }}
    union all
    select
        open_item_id,
        -amount as amount,
        -company_amount as company_amount
    from {{ ref('int_invoice_settlements') }}
    where
        in_force_from <= {{ as_of_date() }}
        and (in_force_to is null or in_force_to > {{ as_of_date() }})
    union all
    select
        open_item_id,
        -open_amount as amount,
        -open_company_amount as company_amount
    from {{ ref('fct_open_item_positions') }}
    where
        item_type = 'invoice'
        and valid_from <= {{ as_of_date() }}
        and (valid_to is null or valid_to > {{ as_of_date() }})
),

-- What is the same before the first day and changes alike on each day is the same on every day.
daily_changes as (
    select
        items.open_item_id,
        items.booking_date as changed_on,
        items.original_amount as amount,
        items.original_company_amount as company_amount
    from items
    inner join items_with_changes
        on items.open_item_id = items_with_changes.open_item_id
    union all
    select
        settlements.open_item_id,
        settlements.in_force_from as changed_on,
        -settlements.amount as amount,
        -settlements.company_amount as company_amount
    from {{ ref('int_invoice_settlements') }} as settlements
    inner join items_with_changes
        on settlements.open_item_id = items_with_changes.open_item_id
    union all
    select
        open_item_id,
        in_force_to as changed_on,
        amount,
        company_amount
    from {{ ref('int_invoice_settlements') }}
    where in_force_to is not null
    union all
    select
        positions.open_item_id,
        positions.valid_from as changed_on,
        -positions.open_amount as amount,
        -positions.open_company_amount as company_amount
    from {{ ref('fct_open_item_positions') }} as positions
    inner join items_with_changes
        on positions.open_item_id = items_with_changes.open_item_id
    union all
    select
        positions.open_item_id,
        positions.valid_to as changed_on,
        positions.open_amount as amount,
        positions.open_company_amount as company_amount
    from {{ ref('fct_open_item_positions') }} as positions
    inner join items_with_changes
        on positions.open_item_id = items_with_changes.open_item_id
    where positions.valid_to is not null
)

-- Most amounts are the same in both currencies, so only their difference is added up beside them.
select
    {{ as_of_date() }} as changed_on,
    open_item_id,
    sum(amount) as unexplained_amount,
    sum(company_amount - amount) filter (where company_amount <> amount)
        as unexplained_conversion_amount
from parts_at_the_end
group by open_item_id
having
    sum(amount) <> 0
    or sum(company_amount - amount) filter (where company_amount <> amount) <> 0
union all
select
    changed_on,
    open_item_id,
    sum(amount) as unexplained_amount,
    sum(company_amount - amount) filter (where company_amount <> amount)
        as unexplained_conversion_amount
from daily_changes
group by changed_on, open_item_id
having
    sum(amount) <> 0
    or sum(company_amount - amount) filter (where company_amount <> amount) <> 0
