-- grain: one row per customer, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        parent_customer_id,
        credit_limit,
        custom,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'customers') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'customers')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        customer_id as source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        parent_customer_id as source_parent_customer_id,
        cast(credit_limit as numeric) as credit_limit_amount,
        {{ json_object('custom') }} as custom_attributes,
        known_at
    from latest
    where not is_deleted
)

select * from final
