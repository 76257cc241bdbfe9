-- grain: one row per entity, in its latest version known on `known_on`
with replaced_versions as (
    select replaced_version
    from {{ source('raw_files', 'entities') }}
    where
        replaced_version is not null
        and extracted_at <= {{ known_on() }}
),

latest as (
    select
        record_key,
        line_no,
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'entities') }} as versions
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
        entity_name,
        siren,
        base_currency,
        time_zone,
        known_at
    from latest
    where not is_deleted
)

select * from final
