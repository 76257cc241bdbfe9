-- grain: one row per policy
-- The home's own choice (ops.policy_choice, filled from <home>/policies.yml) wins over the seed.
with defaults as (
    select
        policy,
        value,
        allowed_values,
        meaning
    from {{ ref('policies') }}
),

choices as (
    select
        policy,
        value
    from {{ source('ops', 'policy_choice') }}
),

final as (
    select
        defaults.policy,
        cast(coalesce(choices.value, cast(defaults.value as text)) as text) as policy_value,
        choices.value is not null as is_chosen,
        defaults.allowed_values,
        defaults.meaning
    from defaults
    left join choices
        on defaults.policy = choices.policy
)

select * from final
