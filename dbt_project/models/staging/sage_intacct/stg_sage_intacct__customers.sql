-- grain: one row per customer, in its latest version known on `known_on`
-- A SIRET (14 digits) begins with the SIREN.
with latest as (
    select
        entity_id,
        payload,
        {{ intacct_text('payload', 'CUSTOMERID') }} as source_customer_id,
        replace({{ intacct_text('payload', 'DISPLAYCONTACT.SIRET') }}, ' ', '') as siret,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'customers') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'customers')) }}
        and not is_deleted
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_customer_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_customer_id,
        {{ intacct_text('payload', 'NAME') }} as customer_name,
        case
            when length(siret) in (9, 14) and translate(siret, '0123456789', '') = ''
                then substr(siret, 1, 9)
        end as siren,
        coalesce(
            {{ intacct_text('payload', 'DISPLAYCONTACT.TAXID') }},
            {{ intacct_text('payload', 'TAXID') }}
        ) as vat_number,
        {{ intacct_text('payload', 'DISPLAYCONTACT.MAILADDRESS.COUNTRYCODE') }} as country_code,
        cast(null as text) as sector,
        cast(null as text) as region,
        cast(null as text) as size_band,
        {{ intacct_text('payload', 'TERMNAME') }} as payment_terms,
        cast(null as text) as portfolio,
        {{ intacct_text('payload', 'PARENTID') }} as source_parent_customer_id,
        {{ intacct_number('payload', 'CREDITLIMIT') }} as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        known_at
    from latest
)

select * from final
