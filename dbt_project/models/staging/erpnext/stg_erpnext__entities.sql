-- grain: one row per company, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        upper(replace({{ json_text('payload', 'tax_id') }}, ' ', '')) as tax_id,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_erpnext', 'companies') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'companies')) }}
        and not is_deleted
),

final as (
    select
        {{ surrogate_key(['entity_id', 'record_key']) }} as record_key,
        cast(null as bigint) as line_no,
        entity_id,
        {{ json_text('payload', 'company_name') }} as entity_name,
        {{ siren_of_vat('tax_id') }} as siren,
        {{ json_text('payload', 'default_currency') }} as base_currency,
        cast(null as text) as time_zone,
        known_at
    from latest
)

select * from final
