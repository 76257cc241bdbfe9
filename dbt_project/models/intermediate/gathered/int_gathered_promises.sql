-- grain: one row per promise to pay and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        source_promise_id,
        source_customer_id,
        source_document_id,
        amount,
        promised_date,
        recorded_on,
        known_at
    from {{ ref('stg_files__promises') }}
    union all
    select
        'xero' as source,
        record_key,
        line_no,
        entity_id,
        source_promise_id,
        source_customer_id,
        source_document_id,
        amount,
        promised_date,
        recorded_on,
        known_at
    from {{ ref('stg_xero__promises') }}
)

select * from final
