-- grain: one row per payment, or allocation of a credit note or of money on account
-- A payment is itself what settles its document; a credit lists what it settles. An allocation is
-- known since the first version of its credit that had it.
with versions as (
    select
        'credit_note' as source_type,
        entity_id,
        record_key,
        payload,
        extracted_at,
        version_no,
        not is_deleted
        and {{ is_latest_known('known', source('raw_xero', 'credit_notes')) }} as is_latest
    from {{ source('raw_xero', 'credit_notes') }} as known
    where extracted_at <= {{ known_on() }}
    union all
    select
        'payment' as source_type,
        entity_id,
        record_key,
        payload,
        extracted_at,
        version_no,
        not is_deleted
        and {{ is_latest_known('known', source('raw_xero', 'overpayments')) }} as is_latest
    from {{ source('raw_xero', 'overpayments') }} as known
    where extracted_at <= {{ known_on() }}
    union all
    select
        'payment' as source_type,
        entity_id,
        record_key,
        payload,
        extracted_at,
        version_no,
        not is_deleted
        and {{ is_latest_known('known', source('raw_xero', 'prepayments')) }} as is_latest
    from {{ source('raw_xero', 'prepayments') }} as known
    where extracted_at <= {{ known_on() }}
),

lines as (
    select
        versions.source_type,
        versions.entity_id,
        versions.record_key as source_id,
        versions.version_no,
        versions.extracted_at,
        versions.is_latest,
        nullif({{ json_text('lines.line', 'AllocationID') }}, '') as allocation_id,
        {{ json_text(json_part('lines.line', 'Invoice'), 'InvoiceID') }} as source_document_id,
        cast({{ json_text('lines.line', 'Amount') }} as numeric) as amount,
        {{ json_text('lines.line', 'Date') }} as applied_on
    from versions
    cross join lateral
        {{ json_elements(json_part('versions.payload', 'Allocations')) }} as lines (line)
    where
        coalesce({{ json_text('lines.line', 'IsDeleted') }}, 'false') <> 'true'
        and coalesce({{ json_text('versions.payload', 'Status') }}, '')
        not in ('VOIDED', 'DELETED', 'DRAFT', 'SUBMITTED')
        -- What suppliers are paid or credited.
        and coalesce({{ json_text('versions.payload', 'Type') }}, '') not in (
            'SPEND-OVERPAYMENT', 'SPEND-PREPAYMENT', 'APPREPAYMENT', 'ACCPAYCREDIT'
        )
),

-- The specification's examples show allocations without an id: these are counted.
named as (
    select
        lines.*,
        coalesce(
            allocation_id,
            source_id || '/' || coalesce(source_document_id, '') || '/'
            || cast(
                row_number() over (
                    partition by entity_id, source_id, version_no, source_document_id
                    order by applied_on, amount
                ) as text
            )
        ) as source_allocation_id
    from lines
),

settlements as (
    select
        entity_id,
        source_allocation_id,
        max(source_type) as source_type,
        max(case when is_latest then source_id end) as source_id,
        max(case when is_latest then source_document_id end) as source_document_id,
        max(case when is_latest then amount end) as amount,
        min(extracted_at) as known_at
    from named
    group by entity_id, source_allocation_id
    having bool_or(is_latest)
    union all
    select
        entity_id,
        source_part_id as source_allocation_id,
        'payment' as source_type,
        source_payment_id as source_id,
        source_document_id,
        amount,
        known_at
    from {{ ref('stg_xero__settling_payments') }}
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_allocation_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        cast(null as integer) as instalment_no,
        amount,
        cast(null as date) as reversed_on,
        known_at
    from settlements
)

select * from final
