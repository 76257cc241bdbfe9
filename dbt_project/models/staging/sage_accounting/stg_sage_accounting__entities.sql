-- grain: one row per business, in its latest version known on `known_on`
-- A business does not say its currency: the financial settings do, one object per business.
with businesses as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'businesses') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'businesses')) }}
        and not is_deleted
),

settings as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'financial_settings') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'financial_settings')) }}
        and not is_deleted
),

final as (
    select
        {{ surrogate_key(['businesses.entity_id', 'businesses.record_key']) }} as record_key,
        cast(null as integer) as line_no,
        businesses.entity_id,
        {{ json_text('businesses.payload', 'name') }} as entity_name,
        cast(null as text) as siren,
        {{ json_text(json_part('settings.payload', 'base_currency'), 'id') }} as base_currency,
        cast(null as text) as time_zone,
        businesses.known_at
    from businesses
    left join settings
        on businesses.entity_id = settings.entity_id
)

select * from final
