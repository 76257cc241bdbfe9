-- grain: one row per currency pair and day, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        currency_code,
        base_currency,
        rate_date,
        rate,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'exchange_rates') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'exchange_rates')) }}
),

final as (
    select
        record_key,
        line_no,
        currency_code,
        base_currency,
        cast(rate_date as date) as rate_date,
        cast(rate as numeric) as exchange_rate,
        known_at
    from latest
    where not is_deleted
)

select * from final
