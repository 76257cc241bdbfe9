-- grain: one row per currency, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_odoo', 'currencies') }} as versions
    where
        {{ is_latest_known('versions', source('raw_odoo', 'currencies')) }}
),

final as (
    select
        entity_id,
        record_key as source_currency_id,
        {{ odoo_text('payload', 'name') }} as currency_code
    from latest
    where not is_deleted
)

select * from final
