-- grain: one row per open item and customer that moved otherwise up to the last publication's date
-- Compared with the last publication, where that knew less than this build. Only days whose
-- movements changed are looked at (int_changed_days).
with previous_publication as (
    select as_of_date
    from {{ source('previous', 'publication_info') }}
    where known_on < {{ known_on() }}
),

changed_days as (
    select changed_days.business_date
    from {{ ref('int_changed_days') }} as changed_days
    inner join previous_publication
        on changed_days.business_date <= previous_publication.as_of_date
    where changed_days.fact_type = 'movement'
),

movements_of_changed_days as (
    select
        movements.open_item_id,
        movements.customer_id,
        movements.movement_date,
        movements.amount,
        movements.company_amount
    from changed_days
    inner join {{ ref('fct_receivable_movements') }} as movements
        on changed_days.business_date = movements.movement_date
    union all
    select
        movements.open_item_id,
        movements.customer_id,
        movements.movement_date,
        -movements.amount as amount,
        -movements.company_amount as company_amount
    from changed_days
    inner join {{ source('previous', 'fct_receivable_movements') }} as movements
        on changed_days.business_date = movements.movement_date
),

changed_item_days as (
    select
        open_item_id,
        customer_id
    from movements_of_changed_days
    group by open_item_id, customer_id, movement_date
    having sum(amount) <> 0 or sum(company_amount) <> 0
),

final as (
    select
        open_item_id,
        customer_id
    from changed_item_days
    group by open_item_id, customer_id
)

select * from final
