-- grain: one row per instalment of a document, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        document_id,
        instalment_no,
        due_date,
        amount,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'instalments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'instalments')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        document_id as source_document_id,
        cast(instalment_no as integer) as instalment_no,
        cast(due_date as date) as due_date,
        cast(amount as numeric) as amount,
        known_at
    from latest
    where not is_deleted
)

select * from final
