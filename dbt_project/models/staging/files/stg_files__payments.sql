-- grain: one row per payment or refund, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        payment_id,
        customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'payments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'payments')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        payment_id as source_payment_id,
        customer_id as source_customer_id,
        payment_type,
        cast(payment_date as date) as payment_date,
        currency_code,
        cast(amount as numeric) as amount,
        cast(exchange_rate as numeric) as exchange_rate,
        method,
        reference,
        known_at
    from latest
    where not is_deleted
)

select * from final
