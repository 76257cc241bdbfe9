-- grain: one row per customer, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        {{ json_part('payload', 'billing_address') }} as billing_address,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_pennylane', 'customers') }} as versions
    where
        {{ is_latest_known('versions', source('raw_pennylane', 'customers')) }}
),

final as (
    select
        {{ surrogate_key(['entity_id', 'record_key']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        record_key as source_customer_id,
        {{ json_text('payload', 'name') }} as customer_name,
        -- Individuals have none; a SIRET (14 digits) begins with the SIREN.
        case
            when length({{ json_text('payload', 'reg_no') }}) = 14
                then substr({{ json_text('payload', 'reg_no') }}, 1, 9)
            else nullif({{ json_text('payload', 'reg_no') }}, '')
        end as siren,
        nullif({{ json_text('payload', 'vat_number') }}, '') as vat_number,
        nullif({{ json_text('billing_address', 'country_alpha2') }}, '') as country_code,
        cast(null as text) as sector,
        cast(null as text) as region,
        cast(null as text) as size_band,
        -- 30_days_end_of_month becomes a line of the seed payment_terms; `custom` means that each
        -- invoice has its own deadline.
        nullif(replace({{ json_text('payload', 'payment_conditions') }}, '_', ' '), 'custom')
            as payment_terms,
        cast(null as text) as portfolio,
        cast(null as text) as source_parent_customer_id,
        cast(null as numeric) as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        known_at
    from latest
    where not is_deleted
)

select * from final
