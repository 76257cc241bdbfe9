-- grain: one row per open item and interval of days on which its open amount did not change
-- Only what is open has a position: `valid_from <= D and (valid_to is null or valid_to > D)`
-- gives the open items of any past day D by one read.
with daily_changes as (
    select
        open_item_id,
        entity_id,
        customer_id,
        item_type,
        currency_code,
        company_currency_code,
        movement_date,
        sum(amount) as amount,
        sum(company_amount) as company_amount
    from {{ ref('fct_receivable_movements') }}
    group by
        open_item_id, entity_id, customer_id, item_type,
        currency_code, company_currency_code, movement_date
),

changes as (
    select *
    from daily_changes
    where amount <> 0 or company_amount <> 0
),

balances as (
    select
        open_item_id,
        entity_id,
        customer_id,
        item_type,
        currency_code,
        company_currency_code,
        movement_date as valid_from,
        lead(movement_date) over (
            partition by open_item_id
            order by movement_date
        ) as valid_to,
        sum(amount) over (
            partition by open_item_id
            order by movement_date
        ) as open_amount,
        sum(company_amount) over (
            partition by open_item_id
            order by movement_date
        ) as open_company_amount
    from changes
),

final as (
    select
        balances.open_item_id,
        balances.entity_id,
        balances.customer_id,
        balances.item_type,
        items.due_date,
        balances.valid_from,
        balances.valid_to,
        balances.currency_code,
        balances.open_amount,
        balances.company_currency_code,
        balances.open_company_amount
    from balances
    inner join {{ ref('int_items') }} as items
        on balances.open_item_id = items.open_item_id
    where balances.open_amount <> 0
)

select * from final
