-- grain: one row per movement of an open item, up to the as-of date
-- Models are read where they are needed and not through one CTE: what is read several times is
-- written out first, and joined without statistics.
-- The company amount of a movement is the change of the item's rounded company balance, so that
-- the movements of a settled item sum to exactly zero.
with single_items as (
    select
        item_key,
        min(open_item_id) as open_item_id
    from {{ ref('int_items') }}
    group by item_key
    having count(*) = 1
),

signed_movements as (
    select
        {{ surrogate_key(['open_item_id', "'issue'"]) }} as movement_id,
        open_item_id,
        booking_date as movement_date,
        'issue' as movement_type,
        0 as movement_order,
        original_amount as amount,
        known_at
    from {{ ref('int_items') }}
    union all
    select
        {{ surrogate_key([
            'single_items.open_item_id', "'debit'", 'settlement_events.settlement_id',
            'settlement_events.event_order'
        ]) }}
            as movement_id,
        single_items.open_item_id,
        settlement_events.event_date as movement_date,
        settlement_events.movement_type,
        1 + settlement_events.event_order as movement_order,
        -settlement_events.amount as amount,
        settlement_events.known_at
    from {{ ref('int_settlement_events') }} as settlement_events
    inner join single_items
        on settlement_events.debit_key = single_items.item_key
    union all
    select
        {{ surrogate_key([
            'items.open_item_id', "'debit'", 'instalment_settlements.settlement_id',
            'instalment_settlements.event_no'
        ]) }}
            as movement_id,
        items.open_item_id,
        instalment_settlements.event_date as movement_date,
        instalment_settlements.movement_type,
        instalment_settlements.event_no as movement_order,
        -instalment_settlements.amount as amount,
        instalment_settlements.known_at
    from {{ ref('int_instalment_settlements') }} as instalment_settlements
    inner join {{ ref('int_items') }} as items
        on
            instalment_settlements.debit_key = items.item_key
            and instalment_settlements.instalment_no = items.instalment_no
    union all
    select
        {{ surrogate_key([
            'single_items.open_item_id', "'credit'", 'settlement_events.settlement_id',
            'settlement_events.event_order'
        ]) }}
            as movement_id,
        single_items.open_item_id,
        settlement_events.event_date as movement_date,
        settlement_events.movement_type,
        1 + settlement_events.event_order as movement_order,
        settlement_events.amount as amount,
        settlement_events.known_at
    from {{ ref('int_settlement_events') }} as settlement_events
    inner join single_items
        on settlement_events.credit_key = single_items.item_key
),

running as (
    select
        signed_movements.movement_id,
        signed_movements.open_item_id,
        items.entity_id,
        items.customer_id,
        items.item_type,
        signed_movements.movement_date,
        signed_movements.movement_type,
        signed_movements.movement_order,
        items.currency_code,
        items.company_currency_code,
        signed_movements.amount,
        items.exchange_rate,
        items.company_minor_units,
        sum(signed_movements.amount) over (
            partition by signed_movements.open_item_id
            order by
                signed_movements.movement_date,
                signed_movements.movement_order,
                signed_movements.movement_id
            rows between unbounded preceding and current row
        ) as open_amount,
        greatest(signed_movements.known_at, items.known_at) as known_at
    from signed_movements
    inner join {{ ref('int_items') }} as items
        on signed_movements.open_item_id = items.open_item_id
    where signed_movements.movement_date <= {{ as_of_date() }}
),

final as (
    select
        movement_id,
        open_item_id,
        entity_id,
        customer_id,
        item_type,
        movement_date,
        movement_type,
        movement_order,
        currency_code,
        amount,
        company_currency_code,
        {{ company_amount('open_amount', 'exchange_rate', 'company_minor_units') }}
        - {{ company_amount('(open_amount - amount)', 'exchange_rate', 'company_minor_units') }}
            as company_amount,
        known_at
    from running
)

select * from final
