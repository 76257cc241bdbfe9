-- grain: one row per as_of_date, entity, customer, currency and bucket
with final as (
    select
        as_of_date,
        entity_id,
        customer_id,
        currency_code,
        bucket,
        sum(open_amount) as open_amount,
        company_currency_code,
        sum(open_company_amount) as open_company_amount,
        count(*) as item_count
    from {{ ref('int_aged_items') }}
    group by
        as_of_date, entity_id, customer_id, currency_code, company_currency_code, bucket
)

select * from final
