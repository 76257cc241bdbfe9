-- grain: one row per invoice with an expected payment date, in its latest version known on
-- `known_on`
-- What was due when the date was first there is promised for it, on the day of that change. A date
-- that was replaced or taken away is no promise any more.
with versions as (
    select
        entity_id,
        record_key,
        version_no,
        payload,
        {{ json_text('payload', 'ExpectedPaymentDate') }} as expected,
        coalesce(source_updated_at, extracted_at) as changed_at,
        extracted_at,
        not is_deleted
        and {{ is_latest_known('known', source('raw_xero', 'invoices')) }} as is_latest
    from {{ source('raw_xero', 'invoices') }} as known
    where
        extracted_at <= {{ known_on() }}
        and {{ json_text('payload', 'ExpectedPaymentDate') }} is not null
        and {{ json_text('payload', 'Type') }} = 'ACCREC'
        and {{ json_text('payload', 'Status') }} in ('AUTHORISED', 'PAID', 'VOIDED')
),

dated as (
    select
        versions.*,
        row_number() over same_date as date_rank,
        bool_or(is_latest) over (partition by entity_id, record_key, expected) as stands
    from versions
    window same_date as (partition by entity_id, record_key, expected order by version_no)
),

final as (
    select
        {{ surrogate_key(['entity_id', 'record_key']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        record_key as source_promise_id,
        -- The document says whose it is.
        cast(null as text) as source_customer_id,
        record_key as source_document_id,
        cast({{ json_text('payload', 'AmountDue') }} as numeric) as amount,
        {{ xero_date('payload', 'ExpectedPaymentDate') }} as promised_date,
        {{ day_in_zone('changed_at', "'UTC'") }} as recorded_on,
        extracted_at as known_at
    from dated
    where
        date_rank = 1
        and stands
        and cast({{ json_text('payload', 'AmountDue') }} as numeric) > 0
)

select * from final
