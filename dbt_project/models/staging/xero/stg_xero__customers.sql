-- grain: one row per contact, in its latest version known on `known_on`
-- Suppliers are contacts too, and stay: that one of them has become a customer is told by a flag
-- whose change does not count as one (the vendor's page on requests, 2026). A contact that was
-- merged names the one that it became; `surviving_customer_id` follows it twice.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        {{ json_text('payload', 'MergedToContactID') }} as merged_into_id,
        upper(replace({{ json_text('payload', 'TaxNumber') }}, ' ', '')) as tax_number,
        replace({{ json_text('payload', 'CompanyNumber') }}, ' ', '') as company_number,
        {{ json_part(json_part('payload', 'PaymentTerms'), 'Sales') }} as sales_terms,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_xero', 'contacts') }} as versions
    where
        {{ is_latest_known('versions', source('raw_xero', 'contacts')) }}
        and not is_deleted
),

-- One row per contact: the street's word goes before that of the post office box.
addresses as (
    select
        latest.entity_id,
        latest.record_key,
        max(
            case when {{ json_text('lines.line', 'AddressType') }} = 'STREET'
                then nullif({{ json_text('lines.line', 'Country') }}, '') end
        ) as street_country,
        max(nullif({{ json_text('lines.line', 'Country') }}, '')) as any_country,
        max(
            case when {{ json_text('lines.line', 'AddressType') }} = 'STREET'
                then nullif({{ json_text('lines.line', 'Region') }}, '') end
        ) as street_region,
        max(nullif({{ json_text('lines.line', 'Region') }}, '')) as any_region
    from latest
    cross join lateral
        {{ json_elements(json_part('latest.payload', 'Addresses')) }} as lines (line)
    group by latest.entity_id, latest.record_key
),

placed as (
    select
        latest.*,
        coalesce(merged_into.merged_into_id, latest.merged_into_id, latest.record_key)
            as surviving_customer_id,
        upper(coalesce(addresses.street_country, addresses.any_country)) as country,
        coalesce(addresses.street_region, addresses.any_region) as region,
        {{ json_text('latest.sales_terms', 'Day') }} as terms_day
    from latest
    left join latest as merged_into
        on
            latest.entity_id = merged_into.entity_id
            and latest.merged_into_id = merged_into.record_key
    left join addresses
        on
            latest.entity_id = addresses.entity_id
            and latest.record_key = addresses.record_key
),

final as (
    select
        {{ surrogate_key(['entity_id', 'record_key']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        record_key as source_customer_id,
        {{ json_text('payload', 'Name') }} as customer_name,
        coalesce(
            {{ siren_of_registry('company_number') }},
            {{ siren_of_vat('tax_number') }}
        ) as siren,
        nullif(tax_number, '') as vat_number,
        -- The field takes any text: only a code is one.
        case when length(country) = 2 then country end as country_code,
        cast(null as text) as sector,
        region,
        cast(null as text) as size_band,
        case {{ json_text('sales_terms', 'Type') }}
            when 'DAYSAFTERBILLDATE' then terms_day || ' days'
            when 'DAYSAFTERBILLMONTH' then 'eom ' || terms_day
            when 'OFCURRENTMONTH' then 'day ' || terms_day || ' of the month'
            when 'OFFOLLOWINGMONTH' then 'day ' || terms_day || ' of the following month'
            else {{ json_text('sales_terms', 'Type') }}
        end as payment_terms,
        cast(null as text) as portfolio,
        cast(null as text) as source_parent_customer_id,
        cast(null as numeric) as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        known_at,
        surviving_customer_id
    from placed
)

select * from final
