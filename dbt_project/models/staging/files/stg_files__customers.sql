-- grain: one row per customer, in its latest version known on `known_on`
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
    from {{ source('raw_files', 'customers') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        record_key,
        line_no,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        {{ json_text('payload', 'customer_id') }} as source_customer_id,
        {{ json_text('payload', 'customer_name') }} as customer_name,
        {{ json_text('payload', 'siren') }} as siren,
        {{ json_text('payload', 'vat_number') }} as vat_number,
        {{ json_text('payload', 'country_code') }} as country_code,
        {{ json_text('payload', 'sector') }} as sector,
        {{ json_text('payload', 'region') }} as region,
        {{ json_text('payload', 'size_band') }} as size_band,
        {{ json_text('payload', 'payment_terms') }} as payment_terms,
        {{ json_text('payload', 'portfolio') }} as portfolio,
        {{ json_text('payload', 'parent_customer_id') }} as source_parent_customer_id,
        cast({{ json_text('payload', 'credit_limit') }} as numeric) as credit_limit_amount,
        {{ json_object('payload', 'custom') }} as custom_attributes,
        known_at
    from versions
    where version_rank = 1 and not is_deleted
)

select * from final
