-- grain: one row per write-off and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        reason,
        known_at
    from {{ ref('stg_files__write_offs') }}
    union all
    select
        'dolibarr' as source,
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        reason,
        known_at
    from {{ ref('stg_dolibarr__write_offs') }}
    union all
    select
        'erpnext' as source,
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        reason,
        known_at
    from {{ ref('stg_erpnext__write_offs') }}
    union all
    select
        'pennylane' as source,
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        reason,
        known_at
    from {{ ref('stg_pennylane__write_offs') }}
    union all
    select
        'sage_100' as source,
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        reason,
        known_at
    from {{ ref('stg_sage_100__write_offs') }}
    union all
    select
        'sage_accounting' as source,
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        reason,
        known_at
    from {{ ref('stg_sage_accounting__write_offs') }}
    union all
    select
        'sage_intacct' as source,
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        reason,
        known_at
    from {{ ref('stg_sage_intacct__write_offs') }}
)

select * from final
