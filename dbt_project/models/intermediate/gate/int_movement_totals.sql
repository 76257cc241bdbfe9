-- grain: one row per entity, kind of item and movement, before and after the last publication
-- The one pass over all movements that the comparisons with the last publication need.
with followed as (
    -- Without a publication to follow, all is new: no date is before it.
    select coalesce(max(as_of_date), cast('0001-01-01' as date)) as as_of_date
    from {{ ref('int_followed_publication') }}
),

final as (
    select
        movements.entity_id,
        movements.item_type,
        movements.movement_type,
        movements.movement_date > followed.as_of_date as is_new,
        count(*) as movement_count,
        sum(movements.company_amount) as company_amount
    from {{ ref('fct_receivable_movements') }} as movements
    cross join followed
    group by
        movements.entity_id, movements.item_type, movements.movement_type,
        movements.movement_date > followed.as_of_date
)

select * from final
