-- grain: one row per carried month end and entity
-- The DSO that the mart gets back from the last publication, for what compares with it before.
-- A view: it is read once, and most of it only to be left out.
{{ config(materialized='view') }}

with final as (
    select
        published.as_of_date,
        published.scope_value as entity_id,
        published.dso_countback,
        published.dso_status,
        published.overdue_ratio_amount
    from {{ source('previous', 'mart_dso') }} as published
    inner join {{ ref('int_carried_dates') }} as carried_dates
        on published.as_of_date = carried_dates.as_of_date
    where published.scope_type = 'entity'
)

select * from final
