-- grain: one row per dispute, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        dispute_id,
        document_id,
        amount,
        opened_on,
        closed_on,
        reason,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'disputes') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'disputes')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        dispute_id as source_dispute_id,
        document_id as source_document_id,
        cast(amount as numeric) as amount,
        cast(opened_on as date) as opened_on,
        cast(closed_on as date) as closed_on,
        reason,
        known_at
    from latest
    where not is_deleted
)

select * from final
