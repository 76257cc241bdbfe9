-- Rule: the ranks of an entity run from 1 to at most the number of customers that paid, percentiles
-- from 0 to 1, and the revenue shares of its customers sum to 1. Source: contracts, section 3.
select
    as_of_date,
    entity_id,
    count(payer_rank) as payers,
    min(payer_rank) as first_rank,
    max(payer_rank) as last_rank,
    sum(revenue_share_ytd) as revenue_share
from {{ ref('mart_payer_behaviour') }}
group by as_of_date, entity_id
having
    coalesce(min(payer_rank), 1) <> 1
    or coalesce(max(payer_rank), 0) > count(payer_rank)
    or count(case when paid_company_amount_3m > 0 then 1 end) <> count(payer_rank)
    or min(payer_percentile) < 0
    or max(payer_percentile) > 1
    or min(payer_percentile_incl_open) < 0
    or max(payer_percentile_incl_open) > 1
    -- Each share is rounded to six decimals.
    or abs(sum(revenue_share_ytd) - 1) > 0.000001 * count(*)
