-- grain: one row per document, in its latest version known on `known_on`
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
    from {{ source('raw_files', 'documents') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        record_key,
        line_no,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        {{ json_text('payload', 'document_id') }} as source_document_id,
        {{ json_text('payload', 'document_type') }} as document_type,
        {{ json_text('payload', 'document_number') }} as document_number,
        {{ json_text('payload', 'customer_id') }} as source_customer_id,
        cast({{ json_text('payload', 'issue_date') }} as date) as issue_date,
        cast({{ json_text('payload', 'due_date') }} as date) as due_date,
        {{ json_text('payload', 'currency_code') }} as currency_code,
        cast({{ json_text('payload', 'amount_incl_tax') }} as numeric) as amount_incl_tax,
        cast({{ json_text('payload', 'amount_excl_tax') }} as numeric) as amount_excl_tax,
        cast({{ json_text('payload', 'exchange_rate') }} as numeric) as exchange_rate,
        {{ json_text('payload', 'credited_document_id') }} as source_credited_document_id,
        {{ json_text('payload', 'status') }} as status,
        {{ json_object('payload', 'custom') }} as custom_attributes,
        known_at
    from versions
    where version_rank = 1 and not is_deleted
)

select * from final
