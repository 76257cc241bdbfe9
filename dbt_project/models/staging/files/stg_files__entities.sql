-- grain: one row per entity, in its latest version known on `known_on`
with versions as (
    select
        record_key,
        payload,
        line_no,
        is_deleted,
        min(extracted_at) over (partition by record_key) as known_at,
        row_number() over (
            partition by record_key
            order by extracted_at desc, version_no desc
        ) as version_rank
    from {{ source('raw_files', 'entities') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        record_key,
        line_no,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        {{ json_text('payload', 'entity_name') }} as entity_name,
        {{ json_text('payload', 'siren') }} as siren,
        {{ json_text('payload', 'base_currency') }} as base_currency,
        {{ json_text('payload', 'time_zone') }} as time_zone,
        known_at
    from versions
    where version_rank = 1 and not is_deleted
)

select * from final
