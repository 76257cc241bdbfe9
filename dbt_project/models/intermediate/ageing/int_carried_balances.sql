-- grain: one row per carried month end, entity and customer
-- The balances that the mart gets back from the last publication, for what compares with it before.
-- A view: it is read once, and most of it only to be left out.
{{ config(materialized='view') }}

with final as (
    select
        published.as_of_date,
        published.entity_id,
        published.customer_id,
        sum(published.open_company_amount) as open_company_amount
    from {{ source('previous', 'mart_aged_balance') }} as published
    inner join {{ ref('int_carried_dates') }} as carried_dates
        on published.as_of_date = carried_dates.as_of_date
    group by published.as_of_date, published.entity_id, published.customer_id
)

select * from final
