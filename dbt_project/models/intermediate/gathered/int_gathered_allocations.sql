-- grain: one row per allocation and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        false as is_estimated,
        known_at
    from {{ ref('stg_files__allocations') }}
    union all
    select
        'dolibarr' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        is_estimated,
        known_at
    from {{ ref('stg_dolibarr__allocations') }}
    union all
    select
        'erpnext' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        is_estimated,
        known_at
    from {{ ref('stg_erpnext__allocations') }}
    union all
    select
        'odoo' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        false as is_estimated,
        known_at
    from {{ ref('stg_odoo__allocations') }}
    union all
    select
        'pennylane' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        is_estimated,
        known_at
    from {{ ref('stg_pennylane__allocations') }}
    union all
    select
        'quickbooks' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        is_estimated,
        known_at
    from {{ ref('stg_quickbooks__allocations') }}
    union all
    select
        'sage_100' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        is_estimated,
        known_at
    from {{ ref('stg_sage_100__allocations') }}
    union all
    select
        'sage_accounting' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        is_estimated,
        known_at
    from {{ ref('stg_sage_accounting__allocations') }}
    union all
    select
        'sage_intacct' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        false as is_estimated,
        known_at
    from {{ ref('stg_sage_intacct__allocations') }}
    union all
    select
        'xero' as source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        false as is_estimated,
        known_at
    from {{ ref('stg_xero__allocations') }}
)

select * from final
