-- grain: one row per document, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        document_id,
        document_type,
        document_number,
        customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        credited_document_id,
        status,
        custom,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'documents') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'documents')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        document_id as source_document_id,
        document_type,
        document_number,
        customer_id as source_customer_id,
        cast(issue_date as date) as issue_date,
        cast(due_date as date) as due_date,
        currency_code,
        cast(amount_incl_tax as numeric) as amount_incl_tax,
        cast(amount_excl_tax as numeric) as amount_excl_tax,
        cast(exchange_rate as numeric) as exchange_rate,
        credited_document_id as source_credited_document_id,
        status,
        {{ json_object('custom') }} as custom_attributes,
        known_at
    from latest
    where not is_deleted
)

select * from final
