-- grain: one row per past month end and open item that was open then and is due on another day now
-- The same amount moves to another bucket of a balance that was already read.
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
    group by positions.open_item_id, positions.customer_id
),

moved_positions as (
    select
        positions.open_item_id,
        positions.customer_id,
        positions.entity_id,
        positions.item_type,
        positions.currency_code,
        positions.company_currency_code,
        positions.valid_from,
        positions.valid_to,
        positions.open_amount,
        positions.open_company_amount,
        previous_due_dates.due_date as previous_due_date,
        positions.due_date
    from {{ ref('fct_open_item_positions') }} as positions
    inner join previous_due_dates
        on
            positions.open_item_id = previous_due_dates.open_item_id
            and positions.customer_id = previous_due_dates.customer_id
            and positions.due_date <> previous_due_dates.due_date
),

final as (
    select
        reporting_dates.as_of_date,
        moved_positions.open_item_id,
        moved_positions.customer_id,
        moved_positions.entity_id,
        moved_positions.item_type,
        moved_positions.currency_code,
        moved_positions.company_currency_code,
        moved_positions.open_amount,
        moved_positions.open_company_amount,
        moved_positions.previous_due_date,
        moved_positions.due_date
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join previous_publication
        on reporting_dates.as_of_date <= previous_publication.as_of_date
    inner join moved_positions
        on
            moved_positions.valid_from <= reporting_dates.as_of_date
            and (
                moved_positions.valid_to is null
                or moved_positions.valid_to > reporting_dates.as_of_date
            )
    where reporting_dates.as_of_date = {{ month_end('reporting_dates.as_of_date') }}
)

select * from final
