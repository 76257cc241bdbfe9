-- grain: one row per company, in its latest version known on `known_on`
with final as (
    select
        {{ surrogate_key(['entity_id', 'record_key']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        trim({{ json_text('payload', 'D_RaisonSoc') }}) as entity_name,
        {{ siren_of_registry(json_text('payload', 'D_Siret')) }} as siren,
        -- Which currency the company keeps its books in is in no column that is relied on.
        'EUR' as base_currency,
        cast(null as text) as time_zone,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_100', 'companies') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_100', 'companies')) }}
        and not is_deleted
)

select * from final
