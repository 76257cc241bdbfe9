-- grain: one row per dispute and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_dispute_id,
        source_document_id,
        amount,
        opened_on,
        closed_on,
        reason,
        known_at
    from {{ ref('stg_files__disputes') }}
    union all
    select
        'sage_intacct' as source,
        record_key,
        line_no,
        entity_id,
        source_dispute_id,
        source_document_id,
        amount,
        opened_on,
        closed_on,
        reason,
        known_at
    from {{ ref('stg_sage_intacct__disputes') }}
)

select * from final
