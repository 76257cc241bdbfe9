-- grain: one row per open item and interval of days on which its open amount did not change
-- Only what is open has a position: `valid_from <= D and (valid_to is null or valid_to > D)`
-- gives the open items of any past day D by one read.
with daily_changes as (
    select
        movements.open_item_id,
        movements.movement_date,
        sum(movements.amount) as amount,
        sum(movements.company_amount) as company_amount
    from {{ ref('fct_receivable_movements') }} as movements
    inner join {{ ref('int_changed_customers') }} as changed_customers
        on movements.customer_id = changed_customers.customer_id
    group by movements.open_item_id, movements.movement_date
),

changes as (
    select *
    from daily_changes
    where amount <> 0 or company_amount <> 0
),

balances as (
    select
        open_item_id,
        movement_date as valid_from,
        lead(movement_date) over by_day as valid_to,
        sum(amount) over by_day as open_amount,
        sum(company_amount) over by_day as open_company_amount
    from changes
    window by_day as (
        partition by open_item_id
        order by movement_date
    )
),

final as (
    select
        balances.open_item_id,
        items.entity_id,
        items.customer_id,
        items.item_type,
        items.issue_date,
        items.due_date,
        balances.valid_from,
        balances.valid_to,
        items.currency_code,
        balances.open_amount,
        items.company_currency_code,
        balances.open_company_amount
    from balances
    inner join {{ ref('int_items') }} as items
        on balances.open_item_id = items.open_item_id
    where balances.open_amount <> 0
    union all
    select
        published.open_item_id,
        published.entity_id,
        published.customer_id,
        published.item_type,
        published.issue_date,
        published.due_date,
        published.valid_from,
        published.valid_to,
        published.currency_code,
        published.open_amount,
        published.company_currency_code,
        published.open_company_amount
    from {{ source('previous', 'carried_fct_open_item_positions') }} as published
    where {{ is_carried('published') }}
)

select * from final
