-- grain: one row per entity and policy
-- The entity's own choice wins over the home's, and that over the default of the seed.
with choices as (
    select
        entity_id,
        policy,
        value
    from {{ source('choices', 'policy_choice') }}
    where entity_id is not null
),

final as (
    select
        entities.entity_id,
        home_policies.policy,
        coalesce(choices.value, home_policies.policy_value) as policy_value,
        case
            when choices.value is not null then 'entity'
            when home_policies.is_chosen then 'home'
            else 'default'
        end as chosen_by
    from {{ ref('int_entities') }} as entities
    cross join {{ ref('int_home_policies') }} as home_policies
    left join choices
        on
            entities.entity_id = choices.entity_id
            and home_policies.policy = choices.policy
)

select * from final
