-- grain: one row per customer and scope that it belongs to
-- A scope above the entity exists only when all its entities share one base currency: amounts of
-- two currencies are never added. Every custom attribute of the customers file is a scope
-- `customer.<attribute>`, unless nearly every customer has a value of its own (attribute_values).
with customers as (
    select
        customers.customer_id,
        customers.entity_id,
        customers.sector,
        customers.region,
        customers.size_band,
        customers.portfolio,
        entities.base_currency
    from {{ ref('int_customers') }} as customers
    inner join {{ ref('int_entities') }} as entities
        on customers.entity_id = entities.entity_id
),

group_currency as (
    select
        min(base_currency) as base_currency,
        min(base_currency) = max(base_currency) as is_single
    from {{ ref('int_entities') }}
),

attributes as (
    select
        customer_id,
        attribute,
        value
    from {{ ref('customer_attributes') }}
    where value <> ''
),

segment_attributes as (
    select attribute
    from attributes
    group by attribute
    having count(distinct value) <= cast({{ home_policy('attribute_values') }} as integer)
),

final as (
    select
        customer_id,
        'customer' as scope_type,
        customer_id as scope_value,
        base_currency as company_currency_code
    from customers
    union all
    select
        customer_id,
        'entity' as scope_type,
        entity_id as scope_value,
        base_currency as company_currency_code
    from customers
    union all
    select
        customers.customer_id,
        segments.scope_type,
        case segments.scope_type
            when 'group' then 'all'
            when 'sector' then customers.sector
            when 'region' then customers.region
            when 'size_band' then customers.size_band
            when 'portfolio' then customers.portfolio
        end as scope_value,
        customers.base_currency as company_currency_code
    from customers
    inner join group_currency
        on group_currency.is_single
    cross join (
        values ('group'), ('sector'), ('region'), ('size_band'), ('portfolio')
    ) as segments (scope_type)
    where
        segments.scope_type = 'group'
        or (segments.scope_type = 'sector' and customers.sector is not null)
        or (segments.scope_type = 'region' and customers.region is not null)
        or (segments.scope_type = 'size_band' and customers.size_band is not null)
        or (segments.scope_type = 'portfolio' and customers.portfolio is not null)
    union all
    select
        customers.customer_id,
        'customer.' || attributes.attribute as scope_type,
        attributes.value as scope_value,
        customers.base_currency as company_currency_code
    from attributes
    inner join segment_attributes
        on attributes.attribute = segment_attributes.attribute
    inner join customers
        on attributes.customer_id = customers.customer_id
    inner join group_currency
        on group_currency.is_single
)

select * from final
