-- grain: one row per payment or refund and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_files__payments') }}
    union all
    select
        'dolibarr' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_dolibarr__payments') }}
    union all
    select
        'erpnext' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_erpnext__payments') }}
    union all
    select
        'odoo' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_odoo__payments') }}
    union all
    select
        'pennylane' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_pennylane__payments') }}
    union all
    select
        'quickbooks' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_quickbooks__payments') }}
    union all
    select
        'sage_100' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_sage_100__payments') }}
    union all
    select
        'sage_accounting' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_sage_accounting__payments') }}
    union all
    select
        'sage_intacct' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_sage_intacct__payments') }}
    union all
    select
        'xero' as source,
        record_key,
        line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        method,
        reference,
        known_at
    from {{ ref('stg_xero__payments') }}
)

select * from final
