-- grain: one row per customer, in its latest version known on `known_on`
-- Credit days that a contact does not have of its own are those of the invoice settings (the
-- specification says so). A French VAT number is FR, a key of two signs, and the SIREN.
with contacts as (
    select
        entity_id,
        record_key,
        payload,
        {{ json_part('payload', 'main_address') }} as main_address,
        upper(replace({{ json_text('payload', 'tax_number') }}, ' ', '')) as tax_number,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'contacts') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'contacts')) }}
        and not is_deleted
),

settings as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'invoice_settings') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'invoice_settings')) }}
        and not is_deleted
),

final as (
    select
        {{ surrogate_key(['contacts.entity_id', 'contacts.record_key']) }} as record_key,
        cast(null as integer) as line_no,
        contacts.entity_id,
        contacts.record_key as source_customer_id,
        {{ json_text('contacts.payload', 'name') }} as customer_name,
        {{ siren_of_vat('contacts.tax_number') }} as siren,
        nullif(contacts.tax_number, '') as vat_number,
        {{ json_text(json_part('contacts.main_address', 'country'), 'id') }} as country_code,
        cast(null as text) as sector,
        nullif({{ json_text('contacts.main_address', 'region') }}, '') as region,
        cast(null as text) as size_band,
        coalesce(
            {{ json_text('contacts.payload', 'credit_days') }},
            {{ json_text('settings.payload', 'customer_credit_days') }}
        ) || ' days' as payment_terms,
        cast(null as text) as portfolio,
        cast(null as text) as source_parent_customer_id,
        cast({{ json_text('contacts.payload', 'credit_limit') }} as numeric)
            as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        contacts.known_at
    from contacts
    left join settings
        on contacts.entity_id = settings.entity_id
)

select * from final
