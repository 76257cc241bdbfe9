-- Rule: whatever a company chooses for its unapplied credits and bucket limits, the buckets of a
-- customer sum to its open items, in both currencies, and count each of them once. Source:
-- domain, section 1.2: the total never changes with the policy.
with items as (
    select
        as_of_date,
        customer_id,
        currency_code,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount,
        count(*) as item_count
    from {{ ref('int_aged_items') }}
    group by as_of_date, customer_id, currency_code
),

buckets as (
    select
        as_of_date,
        customer_id,
        currency_code,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount,
        sum(item_count) as item_count
    from {{ ref('mart_aged_balance') }}
    group by as_of_date, customer_id, currency_code
)

select
    as_of_date,
    customer_id,
    currency_code,
    items.open_amount as items_amount,
    buckets.open_amount as buckets_amount,
    items.open_company_amount as items_company_amount,
    buckets.open_company_amount as buckets_company_amount
from items
full outer join buckets
    using (as_of_date, customer_id, currency_code)
where
    items.open_amount is distinct from buckets.open_amount
    or items.open_company_amount is distinct from buckets.open_company_amount
    or items.item_count is distinct from buckets.item_count
