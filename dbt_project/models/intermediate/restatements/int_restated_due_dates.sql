-- grain: one row per past month end and open item that was open then and is due on another day now
-- The same amount moves to another bucket of a balance that was already read. Only customers of
-- whom anything changed are looked at.
with previous_publication as (
    select as_of_date
    from {{ source('previous', 'publication_info') }}
    where known_on < {{ known_on() }}
),

previous_due_dates as (
    select
        positions.open_item_id,
        positions.customer_id,
        min(positions.due_date) as due_date
    from previous_publication
    inner join {{ source('previous', 'fct_open_item_positions') }} as positions
        on positions.valid_from <= previous_publication.as_of_date
    inner join {{ ref('int_items') }} as changed_items
        on positions.open_item_id = changed_items.open_item_id
    group by positions.open_item_id, positions.customer_id
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
        items.as_of_date,
        items.open_item_id,
        items.customer_id,
        items.entity_id,
        items.item_type,
        items.currency_code,
        items.company_currency_code,
        items.open_amount,
        items.open_company_amount,
        previous_due_dates.due_date as previous_due_date,
        items.due_date
    from {{ ref('int_aged_items') }} as items
    inner join month_ends
        on items.as_of_date = month_ends.as_of_date
    inner join previous_due_dates
        on
            items.open_item_id = previous_due_dates.open_item_id
            and items.customer_id = previous_due_dates.customer_id
            and items.due_date <> previous_due_dates.due_date
)

select * from final
