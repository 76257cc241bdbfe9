-- grain: one row per carried month end, entity and customer
-- The delays that the mart gets back from the last publication, for what compares with them before.
-- A view: it is read once.
{{ config(materialized='view') }}

with final as (
    select
        published.as_of_date,
        published.entity_id,
        published.customer_id,
        published.avg_days_late_3m
    from {{ source('previous', 'mart_payer_behaviour') }} as published
    inner join {{ ref('int_carried_dates') }} as carried_dates
        on published.as_of_date = carried_dates.as_of_date
)

select * from final
