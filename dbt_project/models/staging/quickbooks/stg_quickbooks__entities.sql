-- grain: one row per company, in its latest version known on `known_on`
-- A company does not say its currency: its preferences do.
with companies as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'company_infos') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'company_infos')) }}
        and not is_deleted
),

preferences as (
    select
        entity_id,
        {{ json_part('payload', 'CurrencyPrefs') }} as currency_preferences
    from {{ source('raw_quickbooks', 'preferences') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'preferences')) }}
        and not is_deleted
),

final as (
    select
        {{ surrogate_key(['companies.entity_id', 'companies.record_key']) }} as record_key,
        cast(null as integer) as line_no,
        companies.entity_id,
        coalesce(
            {{ json_text('companies.payload', 'CompanyName') }},
            {{ json_text('companies.payload', 'LegalName') }}
        ) as entity_name,
        cast(null as text) as siren,
        {{ json_text(json_part('preferences.currency_preferences', 'HomeCurrency'), 'value') }}
            as base_currency,
        cast(null as text) as time_zone,
        companies.known_at
    from companies
    left join preferences
        on companies.entity_id = preferences.entity_id
)

select * from final
