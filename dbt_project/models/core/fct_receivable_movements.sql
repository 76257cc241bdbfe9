-- grain: one row per movement of an open item, up to the as-of date
with final as (
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
        company_amount,
        is_estimated,
        known_at
    from {{ ref('int_receivable_movements') }}
    union all
    select
        published.movement_id,
        published.open_item_id,
        published.entity_id,
        published.customer_id,
        published.item_type,
        published.movement_date,
        published.movement_type,
        published.movement_order,
        published.currency_code,
        published.amount,
        published.company_currency_code,
        published.company_amount,
        published.is_estimated,
        published.known_at
    from {{ source('previous', 'carried_fct_receivable_movements') }} as published
    where {{ is_carried('published') }}
)

select * from final
