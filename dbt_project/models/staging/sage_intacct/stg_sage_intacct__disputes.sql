-- grain: one row per time that an invoice was disputed
-- An invoice says why it is disputed, not since when: a dispute runs from the day of the change in
-- which its reason was first seen to that of the change in which it was gone.
with versions as (
    select
        entity_id,
        record_key,
        version_no,
        {{ intacct_text('payload', 'DISPUTEREASON') }} as reason,
        {{ intacct_day('payload', 'WHENMODIFIED') }} as changed_on,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'invoices') }}
    where
        extracted_at <= {{ known_on() }}
        and not is_deleted
),

followed as (
    select
        versions.*,
        lag(reason) over versions_of_invoice as reason_before
    from versions
    window versions_of_invoice as (partition by entity_id, record_key order by version_no)
),

-- The first version of each dispute, and of each time without one.
turns as (
    select
        followed.*,
        lead(changed_on) over turns_of_invoice as ended_on
    from followed
    where (reason is null) <> (reason_before is null)
    window turns_of_invoice as (partition by entity_id, record_key order by version_no)
),

final as (
    select
        {{ surrogate_key(['turns.entity_id', 'turns.record_key', 'turns.version_no']) }}
            as record_key,
        cast(null as integer) as line_no,
        turns.entity_id,
        turns.record_key || '/' || cast(turns.version_no as text) as source_dispute_id,
        turns.record_key as source_document_id,
        cast(null as numeric) as amount,
        turns.changed_on as opened_on,
        turns.ended_on as closed_on,
        turns.reason,
        turns.known_at
    from turns
    -- Not of an invoice that is deleted, void or a draft.
    inner join {{ ref('stg_sage_intacct__documents') }} as documents
        on
            turns.entity_id = documents.entity_id
            and turns.record_key = documents.source_document_id
            and documents.status = 'posted'
    where turns.reason is not null
)

select * from final
