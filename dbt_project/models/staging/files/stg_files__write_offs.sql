-- grain: one row per write-off, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        write_off_id,
        document_id,
        instalment_no,
        write_off_date,
        amount,
        reason,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'write_offs') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'write_offs')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        write_off_id as source_write_off_id,
        document_id as source_document_id,
        cast(instalment_no as integer) as instalment_no,
        cast(write_off_date as date) as write_off_date,
        cast(amount as numeric) as amount,
        reason,
        known_at
    from latest
    where not is_deleted
)

select * from final
