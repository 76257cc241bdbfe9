-- grain: one row per entity, in its latest version known on `known_on`
with latest as (
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
        {{ is_latest_known('versions', source('raw_files', 'entities')) }}
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
