-- grain: one row per payment or refund, in its latest version known on `known_on`
with replaced_versions as (
    select replaced_version
    from {{ source('raw_files', 'payments') }}
    where
        replaced_version is not null
        and extracted_at <= {{ known_on() }}
),

latest as (
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
        extracted_at <= {{ known_on() }}
        and not exists (
            select 1
            from replaced_versions
            where replaced_versions.replaced_version = versions.version_no
        )
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
