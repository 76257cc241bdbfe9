-- Rule: what the outstanding calls unapplied credit is what credit notes, payments and refunds
-- leave open, per customer and date. Source: contracts, section 4; credit that is shown among what
-- is not due makes customers look better than they pay.
with parts as (
    select
        as_of_date,
        entity_id,
        customer_id,
        open_company_amount
    from {{ ref('mart_outstanding') }}
    where status = 'unapplied_credit'
    union all
    select
        as_of_date,
        entity_id,
        customer_id,
        -open_company_amount as open_company_amount
    from {{ ref('int_aged_items') }}
    where item_type <> 'invoice'
)

select
    as_of_date,
    entity_id,
    customer_id,
    sum(open_company_amount) as difference_company_amount
from parts
group by as_of_date, entity_id, customer_id
having sum(open_company_amount) <> 0
