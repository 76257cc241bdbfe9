-- grain: one row per legal entity and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_files__entities') }}
    union all
    select
        'dolibarr' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_dolibarr__entities') }}
    union all
    select
        'erpnext' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_erpnext__entities') }}
    union all
    select
        'odoo' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_odoo__entities') }}
    union all
    select
        'pennylane' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_pennylane__entities') }}
    union all
    select
        'quickbooks' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_quickbooks__entities') }}
    union all
    select
        'sage_100' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_sage_100__entities') }}
    union all
    select
        'sage_accounting' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_sage_accounting__entities') }}
    union all
    select
        'sage_intacct' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_sage_intacct__entities') }}
    union all
    select
        'xero' as source,
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from {{ ref('stg_xero__entities') }}
)

select * from final
