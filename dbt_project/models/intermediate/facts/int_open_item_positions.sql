-- grain: one row per open item and interval of days on which its open amount did not change
-- Of the customers that this build works out. Only what is open has a position.
with daily_changes as (
    select
        open_item_id,
        movement_date,
        sum(amount) as amount,
        sum(company_amount) as company_amount
    from {{ ref('int_receivable_movements') }}
    group by open_item_id, movement_date
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
)

select * from final
