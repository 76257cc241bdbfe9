-- grain: one row per invoice that was closed or abandoned with something unpaid, for a reason
-- Dolibarr does not tell the day: the last change of the invoice, when it was first read like that,
-- is the nearest that is known. Without a reason nobody gave the money up: it stays open.
with invoices as (
    select
        entity_id,
        source_document_id,
        issue_date,
        close_code,
        amount_incl_tax,
        known_at
    from {{ ref('stg_dolibarr__invoices') }}
    where
        document_type = 'invoice'
        and status = 'posted'
        and source_status in ('2', '3')
        and close_code is not null
),

closings as (
    select
        entity_id,
        record_key as source_document_id,
        min(extracted_at) as known_at,
        min({{ dolibarr_amount('payload', 'date_modification') }}) as changed_at
    from {{ source('raw_dolibarr', 'invoices') }}
    where
        extracted_at <= {{ known_on() }}
        and not is_deleted
        and {{ json_text('payload', 'close_code') }} <> ''
    group by entity_id, record_key
),

settled as (
    select
        entity_id,
        source_document_id,
        sum(allocated_amount) as settled_amount
    from {{ ref('stg_dolibarr__settlements') }}
    group by entity_id, source_document_id
),

final as (
    select
        {{ surrogate_key(['invoices.entity_id', 'invoices.source_document_id']) }} as record_key,
        cast(null as integer) as line_no,
        invoices.entity_id,
        invoices.source_document_id as source_write_off_id,
        invoices.source_document_id,
        cast(null as integer) as instalment_no,
        greatest(
            invoices.issue_date,
            coalesce(
                {{ add_days(
                    "cast('1970-01-01' as date)",
                    'cast(floor(closings.changed_at / 86400) as integer)'
                ) }},
                {{ day_in_zone('closings.known_at', "'UTC'") }}
            )
        ) as write_off_date,
        -- Zero settled is the truth where nothing is listed.
        invoices.amount_incl_tax - coalesce(settled.settled_amount, 0) as amount,
        invoices.close_code as reason,
        closings.known_at
    from invoices
    inner join closings
        on
            invoices.entity_id = closings.entity_id
            and invoices.source_document_id = closings.source_document_id
    left join settled
        on
            invoices.entity_id = settled.entity_id
            and invoices.source_document_id = settled.source_document_id
    where invoices.amount_incl_tax > coalesce(settled.settled_amount, 0)
)

select * from final
