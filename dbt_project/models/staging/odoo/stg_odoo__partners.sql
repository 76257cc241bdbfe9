-- grain: one row per contact or company, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_odoo', 'partners') }} as versions
    where
        {{ is_latest_known('versions', source('raw_odoo', 'partners')) }}
),

final as (
    select
        entity_id,
        record_key as source_partner_id,
        {{ odoo_id('payload', 'commercial_partner_id') }} as source_commercial_partner_id,
        {{ odoo_id('payload', 'parent_id') }} as source_parent_id,
        {{ odoo_text('payload', 'name') }} as partner_name,
        {{ odoo_text('payload', 'ref') }} as reference,
        {{ odoo_text('payload', 'vat') }} as vat_number,
        {{ odoo_text('payload', 'company_registry') }} as company_registry,
        {{ odoo_text('payload', 'country_code') }} as country_code,
        {{ odoo_name('payload', 'property_payment_term_id') }} as payment_terms,
        cast({{ odoo_text('payload', 'customer_rank') }} as integer) as customer_rank,
        cast({{ odoo_text('payload', 'credit_limit') }} as numeric) as credit_limit_amount,
        known_at
    from latest
    where not is_deleted
)

select * from final
