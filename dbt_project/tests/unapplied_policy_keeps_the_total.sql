-- Rule: whatever a company chooses for its unapplied credits and bucket limits, the buckets of a
-- customer sum to its open items, in both currencies, and count each of them once. Source:
-- domain, section 1.2: the total never changes with the policy.
with parts as (
    select
        as_of_date,
        customer_id,
        currency_code,
        open_amount,
        open_company_amount,
        1 as item_count
    from {{ ref('int_aged_items') }}
    union all
    select
        as_of_date,
        customer_id,
        currency_code,
        -open_amount as open_amount,
        -open_company_amount as open_company_amount,
        cast(-item_count as integer) as item_count
    from {{ ref('mart_aged_balance') }}
)

-- Each customer's sum must be zero, so their sum is too when each has a weight of its own. Most
-- amounts are the same in both currencies, so only their difference is added up beside them.
select
    as_of_date,
    currency_code,
    sum(open_amount) as missing_amount,
    sum(open_company_amount - open_amount) filter (where open_company_amount <> open_amount)
        as missing_conversion_amount,
    sum(item_count) as missing_items
from parts
group by as_of_date, currency_code
having
    sum(open_amount * {{ row_digest(['customer_id']) }}) <> 0
    or sum((open_company_amount - open_amount) * {{ row_digest(['customer_id']) }})
        filter (where open_company_amount <> open_amount) <> 0
    or sum(item_count * cast({{ row_digest(['customer_id']) }} as numeric)) <> 0
