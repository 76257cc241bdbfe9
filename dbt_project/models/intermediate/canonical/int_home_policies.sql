-- grain: one row per policy: what this home chose
-- The home's own choice (<home>/policies.yml) wins over the seed.
-- What spans entities (dates, scopes above the entity) reads this; one entity's: int_policies.
with defaults as (
    select
        policy,
        value,
        level,
        allowed_values,
        meaning
    from {{ ref('policies') }}
),

choices as (
    select
        policy,
        value
    from {{ source('choices', 'policy_choice') }}
    where entity_id is null
),

final as (
    select
        defaults.policy,
        cast(coalesce(choices.value, cast(defaults.value as text)) as text) as policy_value,
        choices.value is not null as is_chosen,
        cast(defaults.level as text) as level,
        defaults.allowed_values,
        defaults.meaning
    from defaults
    left join choices
        on defaults.policy = choices.policy
)

select * from final
