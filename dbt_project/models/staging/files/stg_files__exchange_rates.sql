-- grain: one row per currency pair and day, in its latest version known on `known_on`
with versions as (
    select
        record_key,
        payload,
        line_no,
        is_deleted,
        min(extracted_at) over (partition by record_key) as known_at,
        row_number() over (
            partition by record_key
            order by extracted_at desc, version_no desc
        ) as version_rank
    from {{ source('raw_files', 'exchange_rates') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        record_key,
        line_no,
        {{ json_text('payload', 'currency_code') }} as currency_code,
        {{ json_text('payload', 'base_currency') }} as base_currency,
        cast({{ json_text('payload', 'rate_date') }} as date) as rate_date,
        cast({{ json_text('payload', 'rate') }} as numeric) as exchange_rate,
        known_at
    from versions
    where version_rank = 1 and not is_deleted
)

select * from final
