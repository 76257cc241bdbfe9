-- grain: one row per open item of the past that this build and the last publication issue otherwise
-- Only customers of whom anything changed are looked at. Settlements are not compared: a payment
-- that is entered late is no change of its invoice.
with issues as (
    select
        movements.open_item_id,
        movements.entity_id,
        movements.customer_id,
        movements.movement_date,
        movements.currency_code,
        movements.amount,
        movements.company_amount
    from {{ ref('int_receivable_movements') }} as movements
    inner join {{ ref('int_followed_publication') }} as followed
        on movements.movement_date <= followed.as_of_date
    where movements.movement_type = 'issue'
),

previous_issues as (
    select
        movements.open_item_id,
        movements.entity_id,
        movements.customer_id,
        movements.movement_date,
        movements.currency_code,
        movements.amount,
        movements.company_amount
    from {{ source('previous', 'fct_receivable_movements') }} as movements
    inner join {{ ref('int_followed_publication') }} as followed
        on movements.movement_date <= followed.as_of_date
    where movements.movement_type = 'issue' and {{ is_worked_out_anew('movements') }}
),

-- An item that was put off to a day after the publication is changed, and not gone.
later_issues as (
    select
        movements.open_item_id,
        movements.entity_id
    from {{ ref('int_receivable_movements') }} as movements
    inner join {{ ref('int_followed_publication') }} as followed
        on movements.movement_date > followed.as_of_date
    where movements.movement_type = 'issue'
),

compared as (
    select
        open_item_id,
        coalesce(previous_issues.entity_id, issues.entity_id) as entity_id,
        coalesce(previous_issues.customer_id, issues.customer_id) as customer_id,
        case
            when previous_issues.open_item_id is null then 'added'
            when issues.open_item_id is null and later_issues.open_item_id is null
                then 'vanished'
            when
                issues.open_item_id is null
                or issues.movement_date <> previous_issues.movement_date
                or issues.customer_id <> previous_issues.customer_id
                or issues.currency_code <> previous_issues.currency_code
                or issues.amount <> previous_issues.amount
                or issues.company_amount <> previous_issues.company_amount
                then 'changed'
        end as change
    from issues
    full outer join previous_issues
        using (open_item_id)
    left join later_issues
        using (open_item_id)
),

final as (
    select
        open_item_id,
        entity_id,
        customer_id,
        change
    from compared
    where change is not null
)

select * from final
