-- grain: one row per company, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_pennylane', 'companies') }} as versions
    where
        {{ is_latest_known('versions', source('raw_pennylane', 'companies')) }}
),

final as (
    select
        {{ surrogate_key(['entity_id', 'record_key']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        {{ json_text('payload', 'name') }} as entity_name,
        -- A SIRET (14 digits) begins with the SIREN.
        case
            when length({{ json_text('payload', 'reg_no') }}) = 14
                then substr({{ json_text('payload', 'reg_no') }}, 1, 9)
            else nullif({{ json_text('payload', 'reg_no') }}, '')
        end as siren,
        -- The specification: `amount` is in euros, whatever the company.
        'EUR' as base_currency,
        cast(null as text) as time_zone,
        known_at
    from latest
    where not is_deleted
)

select * from final
