-- grain: one row per movement of an item, in the currency of the item
-- Keys are joined as they are: their parts are escaped already.
-- A view: its reader takes the items that need converting apart from the others.
{{ config(materialized='view') }}

with sides as (
    select
        debit_key as item_key,
        'debit' as side,
        settlement_id,
        event_order,
        event_date,
        movement_type,
        is_estimated,
        -amount as amount,
        known_at
    from {{ ref('int_settlement_events') }}
    union all
    select
        credit_key as item_key,
        'credit' as side,
        settlement_id,
        event_order,
        event_date,
        movement_type,
        is_estimated,
        amount,
        known_at
    from {{ ref('int_settlement_events') }}
),

final as (
    select
        items.open_item_id || ':issue' as movement_id,
        items.open_item_id,
        items.entity_id,
        items.customer_id,
        items.item_type,
        items.booking_date as movement_date,
        'issue' as movement_type,
        0 as movement_order,
        items.currency_code,
        items.original_amount as amount,
        items.exchange_rate,
        items.company_currency_code,
        items.company_minor_units,
        items.is_converted,
        false as is_estimated,
        items.known_at
    from {{ ref('int_convertible_items') }} as items
    union all
    select
        items.open_item_id
        || ':' || sides.side || ':' || sides.settlement_id || ':'
        || cast(sides.event_order as text)
            as movement_id,
        items.open_item_id,
        items.entity_id,
        items.customer_id,
        items.item_type,
        sides.event_date as movement_date,
        sides.movement_type,
        -- What ceases on a day ceases before anything takes effect on it.
        2 - sides.event_order as movement_order,
        items.currency_code,
        sides.amount,
        items.exchange_rate,
        items.company_currency_code,
        items.company_minor_units,
        items.is_converted,
        sides.is_estimated,
        greatest(sides.known_at, items.known_at) as known_at
    from sides
    inner join {{ ref('int_convertible_items') }} as items
        on
            sides.item_key = items.item_key
            and not items.is_split
    union all
    select
        items.open_item_id
        || ':debit:' || settlements.settlement_id || ':' || cast(settlements.event_no as text)
            as movement_id,
        items.open_item_id,
        items.entity_id,
        items.customer_id,
        items.item_type,
        settlements.event_date as movement_date,
        settlements.movement_type,
        settlements.event_no as movement_order,
        items.currency_code,
        -settlements.amount as amount,
        items.exchange_rate,
        items.company_currency_code,
        items.company_minor_units,
        items.is_converted,
        settlements.is_estimated,
        greatest(settlements.known_at, items.known_at) as known_at
    from {{ ref('int_instalment_settlements') }} as settlements
    inner join {{ ref('int_convertible_items') }} as items
        on
            settlements.debit_key = items.item_key
            and settlements.instalment_no = items.instalment_no
            and items.is_split
)

select * from final
