-- grain: one row per open item, with whether its company amounts are rounded on the balance
-- A view: a copy of all items would cost more than the look-up.
{{ config(materialized='view') }}

with final as (
    select
        items.open_item_id,
        items.item_key,
        items.entity_id,
        items.customer_id,
        items.instalment_no,
        items.is_split,
        items.item_type,
        items.booking_date,
        items.currency_code,
        items.original_amount,
        items.exchange_rate,
        items.company_currency_code,
        items.company_minor_units,
        items.known_at,
        converted_items.item_key is not null as is_converted
    from {{ ref('int_items') }} as items
    left join {{ ref('int_converted_items') }} as converted_items
        on items.item_key = converted_items.item_key
)

select * from final
