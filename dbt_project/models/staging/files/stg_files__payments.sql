-- grain: one row per payment or refund, in its latest version known on `known_on`
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
    from {{ source('raw_files', 'payments') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        record_key,
        line_no,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        {{ json_text('payload', 'payment_id') }} as source_payment_id,
        {{ json_text('payload', 'customer_id') }} as source_customer_id,
        {{ json_text('payload', 'payment_type') }} as payment_type,
        cast({{ json_text('payload', 'payment_date') }} as date) as payment_date,
        {{ json_text('payload', 'currency_code') }} as currency_code,
        cast({{ json_text('payload', 'amount') }} as numeric) as amount,
        cast({{ json_text('payload', 'exchange_rate') }} as numeric) as exchange_rate,
        {{ json_text('payload', 'method') }} as method,
        {{ json_text('payload', 'reference') }} as reference,
        known_at
    from versions
    where version_rank = 1 and not is_deleted
)

select * from final
