-- grain: one row per company that is read
-- Its settings are one record each, in the latest version known on `known_on`.
with latest as (
    select
        entity_id,
        record_key as setting,
        {{ json_text('payload', 'value') }} as setting_value,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_dolibarr', 'settings') }} as versions
    where
        {{ is_latest_known('versions', source('raw_dolibarr', 'settings')) }}
        and not is_deleted
),

settings as (
    select
        entity_id,
        max(setting_value) filter (where setting = 'MAIN_INFO_SOCIETE_NOM') as company_name,
        max(setting_value) filter (where setting = 'MAIN_INFO_SIREN') as registration_number,
        max(setting_value) filter (where setting = 'MAIN_MONNAIE') as base_currency,
        min(known_at) as known_at
    from latest
    group by entity_id
),

final as (
    select
        entity_id as record_key,
        cast(null as integer) as line_no,
        entity_id,
        company_name as entity_name,
        -- The same setting holds the number of other countries.
        case
            when
                length(replace(registration_number, ' ', '')) = 9
                and translate(registration_number, ' 0123456789', '') = ''
                then replace(registration_number, ' ', '')
        end as siren,
        base_currency,
        cast(null as text) as time_zone,
        known_at
    from settings
)

select * from final
