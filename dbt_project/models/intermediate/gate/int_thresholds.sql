-- grain: one row per entity and measure: how far it may move between two publications
-- The entity's own limits (policies.yml) win over the home's, and those over the seed.
with chosen as (
    select
        choices.entity_id,
        thresholds.measure,
        max(
            case
                when choices.policy = thresholds.measure || '_warn_above'
                    then cast(choices.value as numeric)
            end
        ) as warn_above,
        max(
            case
                when choices.policy = thresholds.measure || '_hold_above'
                    then cast(choices.value as numeric)
            end
        ) as hold_above
    from {{ source('choices', 'policy_choice') }} as choices
    inner join {{ ref('thresholds') }} as thresholds
        on
            choices.policy in (
                thresholds.measure || '_warn_above', thresholds.measure || '_hold_above'
            )
    group by choices.entity_id, thresholds.measure
),

final as (
    select
        entities.entity_id,
        thresholds.measure,
        thresholds.change_kind,
        coalesce(own.warn_above, of_home.warn_above, thresholds.warn_above) as warn_above,
        coalesce(own.hold_above, of_home.hold_above, thresholds.hold_above) as hold_above,
        thresholds.per_day,
        thresholds.minimum_rows,
        thresholds.reason
    from {{ ref('int_entities') }} as entities
    cross join {{ ref('thresholds') }} as thresholds
    left join chosen as own
        on
            entities.entity_id = own.entity_id
            and thresholds.measure = own.measure
    left join chosen as of_home
        on
            of_home.entity_id is null
            and thresholds.measure = of_home.measure
)

select * from final
