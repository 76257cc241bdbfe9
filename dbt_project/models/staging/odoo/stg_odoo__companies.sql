-- grain: one row per company that is read, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_odoo', 'companies') }} as versions
    where
        {{ is_latest_known('versions', source('raw_odoo', 'companies')) }}
),

final as (
    select
        entity_id,
        record_key as source_company_id,
        {{ odoo_text('payload', 'name') }} as company_name,
        {{ odoo_text('payload', 'company_registry') }} as company_registry,
        {{ odoo_id('payload', 'currency_id') }} as source_currency_id,
        {{ odoo_id('payload', 'currency_exchange_journal_id') }} as source_exchange_journal_id,
        known_at
    from latest
    where not is_deleted
)

select * from final
