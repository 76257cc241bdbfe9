-- grain: one row per allocation, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        allocation_id,
        source_type,
        source_id,
        document_id,
        instalment_no,
        amount,
        reversed_on,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'allocations') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'allocations')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        allocation_id as source_allocation_id,
        source_type,
        source_id,
        document_id as source_document_id,
        cast(instalment_no as integer) as instalment_no,
        cast(amount as numeric) as amount,
        cast(reversed_on as date) as reversed_on,
        known_at
    from latest
    where not is_deleted
)

select * from final
