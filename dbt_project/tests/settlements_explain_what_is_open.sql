-- Rule: an invoice instalment less the settlements in force is what is open of it, in both
-- currencies: for every instalment at the as-of date, and at all reporting dates for those where a
-- settlement ceased. Source: the behaviour marts read settlements, the balances read positions; the
-- two must tell one history (OCA/account-financial-reporting#829).
with items_with_changes as (
    select open_item_id
    from {{ ref('int_invoice_settlements') }}
    where in_force_to is not null
    group by open_item_id
),

items as (
    select
        reporting_dates.as_of_date,
        items.open_item_id,
        items.original_amount,
        {{ company_amount(
            'items.original_amount', 'items.exchange_rate', 'items.company_minor_units'
        ) }} as original_company_amount
    from {{ ref('int_items') }} as items
    left join items_with_changes
        on items.open_item_id = items_with_changes.open_item_id
    inner join {{ ref('int_reporting_dates') }} as reporting_dates
        on
            items.booking_date <= reporting_dates.as_of_date
            and (reporting_dates.is_current or items_with_changes.open_item_id is not null)
    where items.item_type = 'invoice'
),

settled as (
    select
        items.as_of_date,
        items.open_item_id,
        sum(settlements.amount) as amount,
        sum(settlements.company_amount) as company_amount
    from items
    inner join {{ ref('int_invoice_settlements') }} as settlements
        on
            items.open_item_id = settlements.open_item_id
            and items.as_of_date >= settlements.in_force_from
            and (
                settlements.in_force_to is null
                or items.as_of_date < settlements.in_force_to
            )
    group by items.as_of_date, items.open_item_id
)

select
    items.as_of_date,
    items.open_item_id,
    items.original_amount,
    settled.amount as settled_amount,
    positions.open_amount,
    items.original_company_amount,
    settled.company_amount as settled_company_amount,
    positions.open_company_amount
from items
left join settled
    on
        items.as_of_date = settled.as_of_date
        and items.open_item_id = settled.open_item_id
left join {{ ref('fct_open_item_positions') }} as positions
    on
        items.open_item_id = positions.open_item_id
        and items.as_of_date >= positions.valid_from
        and (positions.valid_to is null or items.as_of_date < positions.valid_to)
where
    items.original_amount - coalesce(settled.amount, 0) <> coalesce(positions.open_amount, 0)
    or items.original_company_amount - coalesce(settled.company_amount, 0)
    <> coalesce(positions.open_company_amount, 0)
