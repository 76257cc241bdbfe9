-- grain: one row per currency pair and day, in its latest version known on `known_on`
with replaced_versions as (
    select replaced_version
    from {{ source('raw_files', 'exchange_rates') }}
    where
        replaced_version is not null
        and extracted_at <= {{ known_on() }}
),

latest as (
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
        currency_code,
        base_currency,
        cast(rate_date as date) as rate_date,
        cast(rate as numeric) as exchange_rate,
        known_at
    from latest
    where not is_deleted
)

select * from final
