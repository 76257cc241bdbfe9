-- grain: one row per open item and customer that moved otherwise up to the last publication's date
-- Compared with the last publication, where that knew less than this build. Only customers of whom
-- anything changed are looked at.
with previous_publication as (
    select as_of_date
    from {{ source('previous', 'publication_info') }}
    where known_on < {{ known_on() }}
),

movements_on_either_side as (
    select
        movements.open_item_id,
        movements.customer_id,
        movements.movement_date,
        movements.amount,
        movements.company_amount
    from previous_publication
    inner join {{ ref('int_receivable_movements') }} as movements
        on previous_publication.as_of_date >= movements.movement_date
    union all
    select
        movements.open_item_id,
        movements.customer_id,
        movements.movement_date,
        -movements.amount as amount,
        -movements.company_amount as company_amount
    from previous_publication
    inner join {{ source('previous', 'fct_receivable_movements') }} as movements
        on previous_publication.as_of_date >= movements.movement_date
    where {{ is_worked_out_anew('movements') }}
),

changed_item_days as (
    select
        open_item_id,
        customer_id
    from movements_on_either_side
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
