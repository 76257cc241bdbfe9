-- Rule: what the tie-out compares with the books is the aged balance that users see, for every
-- entity, source and date that it shows. Source: contracts, section 4: a proof of other figures
-- than those published would prove nothing. Whether the books agree is a question about the
-- delivery (expectations), not about the model.
with tie_out as (
    select
        as_of_date,
        entity_id,
        source,
        sum(open_items_total) as open_items_total,
        sum(aged_balance_total) as aged_balance_total
    from {{ ref('mart_tie_out') }}
    group by as_of_date, entity_id, source
),

aged_balance as (
    select
        aged_balance.as_of_date,
        aged_balance.entity_id,
        customers.source,
        sum(aged_balance.open_company_amount) as open_company_amount
    from {{ ref('mart_aged_balance') }} as aged_balance
    inner join {{ ref('dim_customer') }} as customers
        on aged_balance.customer_id = customers.customer_id
    group by aged_balance.as_of_date, aged_balance.entity_id, customers.source
)

select
    tie_out.as_of_date,
    tie_out.entity_id,
    tie_out.source,
    tie_out.open_items_total,
    tie_out.aged_balance_total,
    aged_balance.open_company_amount
from tie_out
left join aged_balance
    on
        tie_out.as_of_date = aged_balance.as_of_date
        and tie_out.entity_id = aged_balance.entity_id
        and tie_out.source = aged_balance.source
where
    tie_out.open_items_total <> coalesce(aged_balance.open_company_amount, 0)
    or tie_out.aged_balance_total <> coalesce(aged_balance.open_company_amount, 0)
