-- grain: one row per customer, in its latest version known on `known_on`
-- A SIRET is the SIREN and the number of an establishment, of fourteen digits together.
with customers as (
    select
        versions.entity_id,
        versions.payload,
        replace({{ json_text('versions.payload', 'SIRET') }}, ' ', '') as siret,
        coalesce(versions.first_extracted_at, versions.extracted_at) as known_at
    from {{ source('raw_cegid_loop', 'tiers_clients') }} as versions
    where
        not versions.is_deleted
        and {{ is_latest_known('versions', source('raw_cegid_loop', 'tiers_clients')) }}
),

final as (
    select
        {{ surrogate_key(['entity_id', json_text('payload', 'code')]) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        {{ json_text('payload', 'code') }} as source_customer_id,
        coalesce(
            nullif(trim({{ json_text('payload', 'raisonSociale') }}), ''),
            nullif(
                trim(
                    coalesce({{ json_text('payload', 'prenom') }}, '') || ' '
                    || coalesce({{ json_text('payload', 'nom') }}, '')
                ),
                ''
            )
        ) as customer_name,
        case
            when length(siret) = 14 and translate(siret, '0123456789', '') = ''
                then substr(siret, 1, 9)
        end as siren,
        cast(null as text) as vat_number,
        cast(null as text) as country_code,
        cast(null as text) as sector,
        cast(null as text) as region,
        cast(null as text) as size_band,
        cast(null as text) as payment_terms,
        cast(null as text) as portfolio,
        cast(null as text) as source_parent_customer_id,
        cast(null as numeric) as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        known_at
    from customers
)

select * from final
