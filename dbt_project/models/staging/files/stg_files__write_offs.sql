-- grain: one row per write-off, in its latest version known on `known_on`
with replaced_versions as (
    select replaced_version
    from {{ source('raw_files', 'write_offs') }}
    where
        replaced_version is not null
        and extracted_at <= {{ known_on() }}
),

latest as (
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
