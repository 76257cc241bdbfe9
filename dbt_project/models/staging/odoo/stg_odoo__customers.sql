-- grain: one row per company or person that is invoiced, not per contact of it
with partners as (
    select
        entity_id,
        source_partner_id,
        source_commercial_partner_id,
        source_parent_id,
        partner_name,
        reference,
        vat_number,
        company_registry,
        country_code,
        payment_terms,
        customer_rank,
        credit_limit_amount,
        known_at
    from {{ ref('stg_odoo__partners') }}
),

-- Lines may name a partner that the user may not see, or none at all.
named_ids as (
    select
        entity_id,
        source_customer_id
    from {{ ref('stg_odoo__receivable_lines') }}
    union
    select
        entity_id,
        source_partner_id as source_customer_id
    from partners
    where
        customer_rank > 0
        and source_partner_id = source_commercial_partner_id
),

final as (
    select
        {{ surrogate_key(['named_ids.entity_id', 'named_ids.source_customer_id']) }}
            as record_key,
        cast(null as bigint) as line_no,
        named_ids.entity_id,
        named_ids.source_customer_id,
        case
            when named_ids.source_customer_id = 'none' then 'No partner'
            else partners.partner_name
        end as customer_name,
        case
            when partners.country_code is null or partners.country_code = 'FR'
                then {{ siren_of_registry('partners.company_registry') }}
        end as siren,
        partners.vat_number,
        partners.country_code,
        cast(null as text) as sector,
        cast(null as text) as region,
        cast(null as text) as size_band,
        partners.payment_terms,
        cast(null as text) as portfolio,
        parents.source_customer_id as source_parent_customer_id,
        -- Odoo says 0 where no limit is set.
        nullif(partners.credit_limit_amount, 0) as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        partners.known_at
    from named_ids
    left join partners
        on
            named_ids.entity_id = partners.entity_id
            and named_ids.source_customer_id = partners.source_partner_id
    left join named_ids as parents
        on
            partners.entity_id = parents.entity_id
            and partners.source_parent_id = parents.source_customer_id
)

select * from final
