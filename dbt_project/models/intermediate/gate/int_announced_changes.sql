-- grain: one row per entity and measure of which a change is announced for the as-of date
-- What policies.yml announces (a large contract, a company that is taken over) with a reason and a
-- last day. It lets the change pass as a warning; nothing is switched off.
with final as (
    select
        entities.entity_id,
        announced.measure,
        string_agg(announced.reason, '; ' order by announced.reason) as reason,
        max(announced.ends_on) as ends_on
    from {{ ref('int_entities') }} as entities
    inner join {{ source('choices', 'announced_change') }} as announced
        on
            announced.entity_id is null
            or entities.entity_id = announced.entity_id
    where
        announced.starts_on <= {{ as_of_date() }}
        and announced.ends_on >= {{ as_of_date() }}
    group by entities.entity_id, announced.measure
)

select * from final
