-- grain: one row per promise to pay, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        promise_id,
        customer_id,
        document_id,
        amount,
        promised_date,
        recorded_on,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'promises') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'promises')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        promise_id as source_promise_id,
        customer_id as source_customer_id,
        document_id as source_document_id,
        cast(amount as numeric) as amount,
        cast(promised_date as date) as promised_date,
        cast(recorded_on as date) as recorded_on,
        known_at
    from latest
    where not is_deleted
)

select * from final
