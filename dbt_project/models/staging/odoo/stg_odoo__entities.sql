-- grain: one row per company that is read
with final as (
    select
        companies.entity_id as record_key,
        cast(null as bigint) as line_no,
        companies.entity_id,
        companies.company_name as entity_name,
        {{ siren_of_registry('companies.company_registry') }} as siren,
        currencies.currency_code as base_currency,
        cast(null as text) as time_zone,
        companies.known_at
    from {{ ref('stg_odoo__companies') }} as companies
    inner join {{ ref('stg_odoo__currencies') }} as currencies
        on
            companies.entity_id = currencies.entity_id
            and companies.source_currency_id = currencies.source_currency_id
)

select * from final
