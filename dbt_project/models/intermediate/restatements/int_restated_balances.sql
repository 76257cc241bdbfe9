-- grain: one row per past month end, open item and customer whose open amount is no longer the same
-- Compared with the last publication, where that knew less than this build. The history of the few
-- items that changed is read on either side.
with previous_publication as (
    select as_of_date
    from {{ source('previous', 'publication_info') }}
    where known_on < {{ known_on() }}
),

movements as (
    select
        movements.open_item_id,
        movements.entity_id,
        movements.customer_id,
        movements.item_type,
        movements.movement_date,
        movements.currency_code,
        movements.company_currency_code,
        0 as previous_amount,
        0 as previous_company_amount,
        movements.amount,
        movements.company_amount
    from {{ ref('int_changed_items') }} as changed_items
    inner join {{ ref('fct_receivable_movements') }} as movements
        on
            changed_items.open_item_id = movements.open_item_id
            and changed_items.customer_id = movements.customer_id
    union all
    select
        movements.open_item_id,
        movements.entity_id,
        movements.customer_id,
        movements.item_type,
        movements.movement_date,
        movements.currency_code,
        movements.company_currency_code,
        movements.amount as previous_amount,
        movements.company_amount as previous_company_amount,
        0 as amount,
        0 as company_amount
    from {{ ref('int_changed_items') }} as changed_items
    inner join {{ source('previous', 'fct_receivable_movements') }} as movements
        on
            changed_items.open_item_id = movements.open_item_id
            and changed_items.customer_id = movements.customer_id
),

month_ends as (
    select reporting_dates.as_of_date
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join previous_publication
        on reporting_dates.as_of_date <= previous_publication.as_of_date
    where reporting_dates.as_of_date = {{ month_end('reporting_dates.as_of_date') }}
),

final as (
    select
        month_ends.as_of_date,
        movements.open_item_id,
        movements.customer_id,
        min(movements.entity_id) as entity_id,
        min(movements.item_type) as item_type,
        min(movements.currency_code) as currency_code,
        min(movements.company_currency_code) as company_currency_code,
        sum(movements.previous_amount) as previous_open_amount,
        sum(movements.previous_company_amount) as previous_open_company_amount,
        sum(movements.amount) as open_amount,
        sum(movements.company_amount) as open_company_amount
    from movements
    inner join month_ends
        on movements.movement_date <= month_ends.as_of_date
    group by month_ends.as_of_date, movements.open_item_id, movements.customer_id
    having
        sum(movements.previous_amount) <> sum(movements.amount)
        or sum(movements.previous_company_amount) <> sum(movements.company_amount)
)

select * from final
