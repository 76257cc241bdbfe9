-- grain: one row per as_of_date, entity, customer, currency and bucket
with final as (
    select
        as_of_date,
        entity_id,
        customer_id,
        currency_code,
        bucket,
        cast(bucket_order as integer) as bucket_order,
        open_amount,
        company_currency_code,
        open_company_amount,
        cast(item_count as bigint) as item_count
    from {{ ref('int_aged_balances') }}
    where basis = 'entity' and not is_netted
    union all
    select
        as_of_date,
        entity_id,
        customer_id,
        currency_code,
        bucket,
        cast(bucket_order as integer) as bucket_order,
        open_amount,
        company_currency_code,
        open_company_amount,
        cast(item_count as bigint) as item_count
    from {{ ref('int_netted_balances') }}
    where basis = 'entity'
)

select * from final
