-- grain: one row per past month end, open item and customer whose open amount is no longer the same
-- Compared with the last publication, where that knew less than this build. Only days whose
-- movements changed can change a month end, so the history is read once on either side.
with previous_publication as (
    select
        publication_id,
        as_of_date,
        known_on
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
    from previous_publication
    inner join {{ ref('fct_receivable_movements') }} as movements
        on movements.movement_date <= previous_publication.as_of_date
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
    from previous_publication
    inner join {{ source('previous', 'fct_receivable_movements') }} as movements
        on movements.movement_date <= previous_publication.as_of_date
),

days as (
    select
        open_item_id,
        customer_id,
        movement_date,
        min(entity_id) as entity_id,
        min(item_type) as item_type,
        min(currency_code) as currency_code,
        min(company_currency_code) as company_currency_code,
        sum(previous_amount) as previous_amount,
        sum(previous_company_amount) as previous_company_amount,
        sum(amount) as amount,
        sum(company_amount) as company_amount
    from movements
    group by open_item_id, customer_id, movement_date
),

changed_items as (
    select
        open_item_id,
        customer_id
    from days
    where amount <> previous_amount or company_amount <> previous_company_amount
    group by open_item_id, customer_id
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
        days.open_item_id,
        days.customer_id,
        min(days.entity_id) as entity_id,
        min(days.item_type) as item_type,
        min(days.currency_code) as currency_code,
        min(days.company_currency_code) as company_currency_code,
        sum(days.previous_amount) as previous_open_amount,
        sum(days.previous_company_amount) as previous_open_company_amount,
        sum(days.amount) as open_amount,
        sum(days.company_amount) as open_company_amount
    from days
    inner join changed_items
        on
            days.open_item_id = changed_items.open_item_id
            and days.customer_id = changed_items.customer_id
    inner join month_ends
        on days.movement_date <= month_ends.as_of_date
    group by month_ends.as_of_date, days.open_item_id, days.customer_id
    having
        sum(days.previous_amount) <> sum(days.amount)
        or sum(days.previous_company_amount) <> sum(days.company_amount)
)

select * from final
