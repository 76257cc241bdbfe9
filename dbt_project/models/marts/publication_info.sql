-- grain: one row: what these marts are
-- publication_id and published_at are set by the transaction that publishes
-- (warehouse/publication.py).
with choices as (
    select
        md5(
            string_agg(
                {{ surrogate_key(['entity_id', 'policy', 'policy_value']) }},
                ' '
                order by entity_id, policy
            )
        ) as of_entities
    from {{ ref('int_policies') }}
),

home_choices as (
    select
        md5(
            string_agg({{ surrogate_key(['policy', 'policy_value']) }}, ' ' order by policy)
        ) as of_home
    from {{ ref('int_home_policies') }}
),

final as (
    select
        cast(null as text) as publication_id,
        cast({{ dbt.string_literal(dbt.escape_single_quotes(var("run_id"))) }} as text) as run_id,
        {{ as_of_date() }} as as_of_date,
        {{ known_on() }} as known_on,
        cast(null as timestamp with time zone) as published_at,
        -- Equal hashes: no policy of the home or of an entity differs.
        md5(home_choices.of_home || coalesce(choices.of_entities, '')) as policy_hash
    from choices
    cross join home_choices
)

select * from final
