-- grain: one row per customer, in its latest version known on `known_on`
-- Tax numbers come masked but for their last signs: those are left out. A French VAT number is FR,
-- a key of two signs, and the SIREN. Terms by a day of the month have no number of days.
with customers as (
    select
        entity_id,
        record_key,
        payload,
        {{ json_part('payload', 'BillAddr') }} as address,
        upper(replace({{ json_text('payload', 'PrimaryTaxIdentifier') }}, ' ', ''))
            as tax_number,
        {{ json_text(json_part('payload', 'SalesTermRef'), 'value') }} as term_id,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'customers') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'customers')) }}
        and not is_deleted
),

terms as (
    select
        entity_id,
        record_key as term_id,
        {{ json_text('payload', 'DueDays') }} || ' days' as payment_terms
    from {{ source('raw_quickbooks', 'terms') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'terms')) }}
        and not is_deleted
),

final as (
    select
        {{ surrogate_key(['customers.entity_id', 'customers.record_key']) }} as record_key,
        cast(null as integer) as line_no,
        customers.entity_id,
        customers.record_key as source_customer_id,
        {{ json_text('customers.payload', 'DisplayName') }} as customer_name,
        {{ siren_of_vat('customers.tax_number') }} as siren,
        case when customers.tax_number not like '%XX%' then nullif(customers.tax_number, '') end
            as vat_number,
        case
            when length({{ json_text('customers.address', 'CountryCode') }}) = 2
                then upper({{ json_text('customers.address', 'CountryCode') }})
            when length({{ json_text('customers.address', 'Country') }}) = 2
                then upper({{ json_text('customers.address', 'Country') }})
        end as country_code,
        cast(null as text) as sector,
        nullif({{ json_text('customers.address', 'CountrySubDivisionCode') }}, '') as region,
        cast(null as text) as size_band,
        terms.payment_terms,
        cast(null as text) as portfolio,
        {{ json_text(json_part('customers.payload', 'ParentRef'), 'value') }}
            as source_parent_customer_id,
        cast({{ json_text('customers.payload', 'CreditLimit') }} as numeric)
            as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        customers.known_at
    from customers
    left join terms
        on
            customers.entity_id = terms.entity_id
            and customers.term_id = terms.term_id
)

select * from final
