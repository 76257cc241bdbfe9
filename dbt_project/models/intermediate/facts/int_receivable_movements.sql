-- grain: one row per movement of an open item, up to the as-of date
-- Of the customers that this build works out.
-- The company amount of a movement is the change of the item's rounded company balance, so that
-- the movements of a settled item sum to exactly zero.
with running as (
    select
        movements.*,
        sum(amount) over (
            partition by open_item_id
            order by movement_date, movement_order, movement_id
            rows between unbounded preceding and current row
        ) as open_amount
    from {{ ref('int_item_movements') }} as movements
    where is_converted and movement_date <= {{ as_of_date() }}
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
        amount as company_amount,
        is_estimated,
        known_at
    from {{ ref('int_item_movements') }}
    where not is_converted and movement_date <= {{ as_of_date() }}
    union all
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
        is_estimated,
        known_at
    from running
)

select * from final
