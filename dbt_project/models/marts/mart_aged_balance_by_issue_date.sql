-- grain: one row per entity, customer, currency and issue bucket, at the as-of date
-- Positions give it at any past date by one statement (docs/figures.md).
with balances as (
    select
        as_of_date,
        entity_id,
        customer_id,
        currency_code,
        bucket,
        bucket_order,
        open_amount,
        company_currency_code,
        open_company_amount,
        item_count
    from {{ ref('int_aged_balances') }}
    where basis = 'issue_date' and not is_netted
    union all
    select
        as_of_date,
        entity_id,
        customer_id,
        currency_code,
        bucket,
        bucket_order,
        open_amount,
        company_currency_code,
        open_company_amount,
        item_count
    from {{ ref('int_netted_balances') }}
    where basis = 'issue_date'
),

final as (
    select
        as_of_date,
        entity_id,
        customer_id,
        currency_code,
        bucket as issue_bucket,
        cast(bucket_order as integer) as bucket_order,
        open_amount,
        company_currency_code,
        open_company_amount,
        cast(item_count as bigint) as item_count
    from balances
)

select * from final
