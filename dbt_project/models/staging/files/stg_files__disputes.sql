-- grain: one row per dispute, in its latest version known on `known_on`
with replaced_versions as (
    select replaced_version
    from {{ source('raw_files', 'disputes') }}
    where
        replaced_version is not null
        and extracted_at <= {{ known_on() }}
),

latest as (
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
        extracted_at <= {{ known_on() }}
        and not exists (
            select 1
            from replaced_versions
            where replaced_versions.replaced_version = versions.version_no
        )
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
