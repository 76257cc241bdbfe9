-- grain: one row per entity: from what was published as open to what is open now
-- Open then + restated + invoices + credit notes + receipts + refunds + write-offs + exchange
-- differences = open now. What changed about the past is a line of its own, from the movements of
-- the customers that changed on either side. Amounts are at the rates of the items: what a
-- settlement at another rate leaves is the exchange difference, and a revaluation is no part of it.
with opening as (
    select
        balances.entity_id,
        sum(balances.open_company_amount) as opening_company_amount
    from {{ source('previous', 'mart_aged_balance') }} as balances
    inner join {{ ref('int_followed_publication') }} as followed
        on balances.as_of_date = followed.as_of_date
    group by balances.entity_id
),

past_movements as (
    select
        movements.entity_id,
        movements.company_amount
    from {{ ref('int_receivable_movements') }} as movements
    inner join {{ ref('int_followed_publication') }} as followed
        on movements.movement_date <= followed.as_of_date
    union all
    select
        movements.entity_id,
        -movements.company_amount as company_amount
    from {{ source('previous', 'fct_receivable_movements') }} as movements
    inner join {{ ref('int_followed_publication') }} as followed
        on movements.movement_date <= followed.as_of_date
    where {{ is_worked_out_anew('movements') }}
),

restated as (
    select
        entity_id,
        sum(company_amount) as restated_company_amount
    from past_movements
    group by entity_id
),

moved as (
    select
        entity_id,
        sum(
            case
                when is_new and movement_type = 'issue' and item_type = 'invoice'
                    then company_amount
                else 0
            end
        ) as invoices_company_amount,
        sum(
            case
                when is_new and movement_type = 'issue' and item_type = 'credit_note'
                    then company_amount
                else 0
            end
        ) as credit_notes_company_amount,
        sum(
            case
                when is_new and movement_type = 'issue' and item_type = 'payment'
                    then company_amount
                else 0
            end
        ) as receipts_company_amount,
        sum(
            case
                when is_new and movement_type = 'issue' and item_type = 'refund'
                    then company_amount
                else 0
            end
        ) as refunds_company_amount,
        sum(
            case
                when is_new and movement_type = 'write_off' then company_amount
                else 0
            end
        ) as write_offs_company_amount,
        sum(
            case
                when is_new and movement_type not in ('issue', 'write_off') then company_amount
                else 0
            end
        ) as exchange_differences_company_amount
    from {{ ref('int_movement_totals') }}
    group by entity_id
),

closing as (
    select
        entity_id,
        count(*) as item_count,
        sum(open_company_amount) as closing_company_amount
    from {{ ref('fct_open_items') }}
    group by entity_id
),

-- An entity that was not published before starts from nothing: all of its past is restated.
rolled as (
    select
        entities.entity_id,
        followed.as_of_date as opening_date,
        coalesce(opening.opening_company_amount, 0) as opening_company_amount,
        coalesce(restated.restated_company_amount, 0) as restated_company_amount,
        coalesce(moved.invoices_company_amount, 0) as invoices_company_amount,
        coalesce(moved.credit_notes_company_amount, 0) as credit_notes_company_amount,
        coalesce(moved.receipts_company_amount, 0) as receipts_company_amount,
        coalesce(moved.refunds_company_amount, 0) as refunds_company_amount,
        coalesce(moved.write_offs_company_amount, 0) as write_offs_company_amount,
        coalesce(moved.exchange_differences_company_amount, 0)
            as exchange_differences_company_amount,
        coalesce(closing.closing_company_amount, 0) as closing_company_amount,
        coalesce(closing.item_count, 0) as item_count
    from {{ ref('int_entities') }} as entities
    cross join {{ ref('int_followed_publication') }} as followed
    left join opening
        on entities.entity_id = opening.entity_id
    left join restated
        on entities.entity_id = restated.entity_id
    left join moved
        on entities.entity_id = moved.entity_id
    left join closing
        on entities.entity_id = closing.entity_id
),

final as (
    select
        rolled.*,
        closing_company_amount
        - (
            opening_company_amount + restated_company_amount + invoices_company_amount
            + credit_notes_company_amount + receipts_company_amount + refunds_company_amount
            + write_offs_company_amount + exchange_differences_company_amount
        ) as difference_company_amount
    from rolled
)

select * from final
