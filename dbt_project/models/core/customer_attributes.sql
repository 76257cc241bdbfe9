-- grain: one row per customer and custom attribute
with customers as (
    select
        {{ surrogate_key(['source', 'entity_id', 'source_customer_id']) }} as customer_id,
        entity_id,
        custom_attributes
    from {{ ref('int_gathered_customers') }}
    where custom_attributes is not null
),

final as (
    select
        customers.customer_id,
        customers.entity_id,
        entries.key as attribute,
        entries.value
    from customers
    cross join {{ json_entries('customers.custom_attributes') }} as entries (key, value)
)

select * from final
