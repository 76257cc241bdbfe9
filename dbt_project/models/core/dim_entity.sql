-- grain: one row per legal entity
with final as (
    select
        cast(entity_id as text) as entity_id,
        cast(entity_name as text) as entity_name,
        cast(siren as text) as siren,
        cast(base_currency as text) as base_currency,
        cast(time_zone as text) as time_zone
    from {{ ref('int_entities') }}
)

select * from final
