-- grain: one row per customer that the company has documents or payments with
-- A site shares its customers between its companies. One that was renamed or deleted is still named
-- by what was read before: it is a customer by its old name until that is read again. A French VAT
-- number is FR, a key of two signs, and the SIREN.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        upper(replace({{ json_text('payload', 'tax_id') }}, ' ', '')) as tax_id,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_erpnext', 'customers') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'customers')) }}
        and not is_deleted
),

named as (
    select
        entity_id,
        source_customer_id,
        known_at
    from {{ ref('stg_erpnext__documents') }}
    union all
    select
        entity_id,
        source_customer_id,
        known_at
    from {{ ref('stg_erpnext__ledger_lines') }}
),

named_customers as (
    select
        entity_id,
        source_customer_id,
        min(known_at) as known_at
    from named
    group by entity_id, source_customer_id
),

final as (
    select
        {{ surrogate_key(['named_customers.entity_id', 'named_customers.source_customer_id']) }}
            as record_key,
        cast(null as bigint) as line_no,
        named_customers.entity_id,
        named_customers.source_customer_id,
        coalesce(
            {{ json_text('latest.payload', 'customer_name') }},
            named_customers.source_customer_id
        ) as customer_name,
        {{ siren_of_vat('latest.tax_id') }} as siren,
        nullif(latest.tax_id, '') as vat_number,
        cast(null as text) as country_code,
        nullif({{ json_text('latest.payload', 'industry') }}, '') as sector,
        nullif({{ json_text('latest.payload', 'territory') }}, '') as region,
        cast(null as text) as size_band,
        nullif({{ json_text('latest.payload', 'payment_terms') }}, '') as payment_terms,
        cast(null as text) as portfolio,
        cast(null as text) as source_parent_customer_id,
        cast(null as numeric) as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        coalesce(latest.known_at, named_customers.known_at) as known_at
    from named_customers
    left join latest
        on
            named_customers.entity_id = latest.entity_id
            and named_customers.source_customer_id = latest.record_key
)

select * from final
