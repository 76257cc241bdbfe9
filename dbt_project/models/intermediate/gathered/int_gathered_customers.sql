-- grain: one row per customer and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_files__customers') }}
    union all
    select
        'cegid_loop' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_cegid_loop__customers') }}
    union all
    select
        'dolibarr' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_dolibarr__customers') }}
    union all
    select
        'erpnext' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_erpnext__customers') }}
    union all
    select
        'odoo' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_odoo__customers') }}
    union all
    select
        'pennylane' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_pennylane__customers') }}
    union all
    select
        'quickbooks' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_quickbooks__customers') }}
    union all
    select
        'sage_100' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_sage_100__customers') }}
    union all
    select
        'sage_accounting' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_sage_accounting__customers') }}
    union all
    select
        'sage_intacct' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_sage_intacct__customers') }}
    union all
    select
        'xero' as source,
        record_key,
        line_no,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount,
        custom_attributes,
        known_at
    from {{ ref('stg_xero__customers') }}
)

select * from final
