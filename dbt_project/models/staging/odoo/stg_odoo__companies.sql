-- grain: one row per company that is read, in its latest version known on `known_on`
with replaced_versions as (
    select replaced_version
    from {{ source('raw_odoo', 'companies') }}
    where
        replaced_version is not null
        and extracted_at <= {{ known_on() }}
),

latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_odoo', 'companies') }} as versions
    where
        extracted_at <= {{ known_on() }}
        and not exists (
            select 1
            from replaced_versions
            where replaced_versions.replaced_version = versions.version_no
        )
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
