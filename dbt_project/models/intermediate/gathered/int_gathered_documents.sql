-- grain: one row per document and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        cast(null as numeric) as source_open_amount,
        known_at
    from {{ ref('stg_files__documents') }}
    union all
    select
        'dolibarr' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_dolibarr__documents') }}
    union all
    select
        'erpnext' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_erpnext__documents') }}
    union all
    select
        'odoo' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_odoo__documents') }}
    union all
    select
        'pennylane' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_pennylane__documents') }}
    union all
    select
        'quickbooks' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_quickbooks__documents') }}
    union all
    select
        'sage_100' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_sage_100__documents') }}
    union all
    select
        'sage_accounting' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_sage_accounting__documents') }}
    union all
    select
        'sage_intacct' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_sage_intacct__documents') }}
    union all
    select
        'xero' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        custom_attributes,
        source_open_amount,
        known_at
    from {{ ref('stg_xero__documents') }}
)

select * from final
