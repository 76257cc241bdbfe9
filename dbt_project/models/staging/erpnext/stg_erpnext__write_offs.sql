-- grain: one row per write-off entry and invoice, and per invoice that was written off in itself
with final as (
    select
        record_key,
        cast(null as bigint) as line_no,
        entity_id,
        settlement_id as source_write_off_id,
        debit_id as source_document_id,
        cast(null as integer) as instalment_no,
        credit_date as write_off_date,
        amount,
        'write-off entry' as reason,
        known_at
    from {{ ref('stg_erpnext__settlements') }}
    where is_write_off
    union all
    select
        {{ surrogate_key(['entity_id', 'source_document_id', "'written off'"]) }} as record_key,
        cast(null as bigint) as line_no,
        entity_id,
        source_document_id || '/written off' as source_write_off_id,
        source_document_id,
        cast(null as integer) as instalment_no,
        issue_date as write_off_date,
        written_off_at_once as amount,
        'write-off in the invoice' as reason,
        known_at
    from {{ ref('stg_erpnext__documents') }}
    where written_off_at_once > 0
)

select * from final
