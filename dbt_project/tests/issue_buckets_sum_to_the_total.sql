-- Rule: by the issue date as by the due date, the buckets of a customer sum to what it has open, in
-- both currencies, count each item once, and show the same unapplied credit. Source: domain,
-- section 1.2: a second set of buckets from the document date, over the same open amount; buckets
-- elsewhere did not sum to the outstanding (frappe/erpnext#49262).
with parts as (
    select
        entity_id,
        customer_id,
        currency_code,
        open_amount as unlisted_amount,
        open_company_amount as unlisted_company_amount,
        item_count as unlisted_items,
        open_amount as unlike_due_amount,
        open_company_amount as unlike_due_company_amount,
        case issue_bucket when 'unapplied_credit' then open_amount else 0 end
            as unlike_credit_amount
    from {{ ref('mart_aged_balance_by_issue_date') }}
    union all
    select
        entity_id,
        customer_id,
        currency_code,
        -open_amount as unlisted_amount,
        -open_company_amount as unlisted_company_amount,
        -1 as unlisted_items,
        0 as unlike_due_amount,
        0 as unlike_due_company_amount,
        0 as unlike_credit_amount
    from {{ ref('fct_open_items') }}
    union all
    select
        entity_id,
        customer_id,
        currency_code,
        0 as unlisted_amount,
        0 as unlisted_company_amount,
        0 as unlisted_items,
        -open_amount as unlike_due_amount,
        -open_company_amount as unlike_due_company_amount,
        case bucket when 'unapplied_credit' then -open_amount else 0 end as unlike_credit_amount
    from {{ ref('mart_aged_balance') }}
    where as_of_date = {{ as_of_date() }}
)

select
    entity_id,
    customer_id,
    currency_code,
    sum(unlisted_amount) as unlisted_amount,
    sum(unlisted_company_amount) as unlisted_company_amount,
    sum(unlisted_items) as unlisted_items,
    sum(unlike_due_amount) as unlike_due_amount,
    sum(unlike_due_company_amount) as unlike_due_company_amount,
    sum(unlike_credit_amount) as unlike_credit_amount
from parts
group by entity_id, customer_id, currency_code
having
    sum(unlisted_amount) <> 0
    or sum(unlisted_company_amount) <> 0
    or sum(unlisted_items) <> 0
    or sum(unlike_due_amount) <> 0
    or sum(unlike_due_company_amount) <> 0
    or sum(unlike_credit_amount) <> 0
