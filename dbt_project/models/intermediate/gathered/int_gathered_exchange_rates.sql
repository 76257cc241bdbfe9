-- grain: one row per currency pair, day and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        currency_code,
        base_currency,
        rate_date,
        exchange_rate,
        known_at
    from {{ ref('stg_files__exchange_rates') }}
)

select * from final
