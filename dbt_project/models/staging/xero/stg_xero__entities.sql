-- grain: one row per organisation, in its latest version known on `known_on`
-- A French VAT number is FR, a key of two signs, and the SIREN.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        upper(replace({{ json_text('payload', 'TaxNumber') }}, ' ', '')) as tax_number,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_xero', 'organisations') }} as versions
    where
        {{ is_latest_known('versions', source('raw_xero', 'organisations')) }}
        and not is_deleted
),

final as (
    select
        {{ surrogate_key(['latest.entity_id', 'latest.record_key']) }} as record_key,
        cast(null as integer) as line_no,
        latest.entity_id,
        {{ json_text('latest.payload', 'Name') }} as entity_name,
        {{ siren_of_vat('latest.tax_number') }} as siren,
        {{ json_text('latest.payload', 'BaseCurrency') }} as base_currency,
        zones.time_zone,
        latest.known_at
    from latest
    left join {{ ref('xero_time_zones') }} as zones
        on {{ json_text('latest.payload', 'Timezone') }} = zones.xero_time_zone
)

select * from final
