-- grain: one row per instalment and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        instalment_no,
        due_date,
        amount,
        known_at
    from {{ ref('stg_files__instalments') }}
    union all
    select
        'erpnext' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        instalment_no,
        due_date,
        amount,
        known_at
    from {{ ref('stg_erpnext__instalments') }}
    union all
    select
        'odoo' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        instalment_no,
        due_date,
        amount,
        known_at
    from {{ ref('stg_odoo__instalments') }}
    union all
    select
        'sage_100' as source,
        record_key,
        line_no,
        entity_id,
        source_document_id,
        instalment_no,
        due_date,
        amount,
        known_at
    from {{ ref('stg_sage_100__instalments') }}
)

select * from final
