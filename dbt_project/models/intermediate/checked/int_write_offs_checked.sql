-- grain: one row per write-off of any source, with the reason why it cannot be used, if any
-- Of the customers that this build works out, and what names none where it works out all.
-- Allocations come first: a write-off may take what they leave, on its day and ever after.
with write_offs as (
    select
        source,
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        known_at,
        sum(amount) over (
            partition by source, entity_id, source_document_id
            order by write_off_date, source_write_off_id
        ) as written_off_so_far,
        sum(amount) over (
            partition by source, entity_id, source_document_id, instalment_no
            order by write_off_date, source_write_off_id
        ) as written_off_of_instalment
    from {{ ref('int_gathered_write_offs') }}
),

documented as (
    select
        write_offs.*,
        documents.document_key,
        documents.document_type,
        documents.status,
        documents.refused_reason as document_refused_reason,
        documents.issue_date,
        documents.amount_incl_tax,
        instalments.amount as instalment_amount
    from write_offs
    left join {{ ref('int_documents_checked') }} as documents
        on
            write_offs.source = documents.source
            and write_offs.entity_id = documents.entity_id
            and write_offs.source_document_id = documents.source_document_id
    left join {{ ref('int_instalments') }} as instalments
        on
            documents.document_key = instalments.document_key
            and write_offs.instalment_no = instalments.instalment_no
    left join {{ ref('int_changed_customers') }} as changed_books
        on
            write_offs.source = changed_books.source
            and write_offs.entity_id = changed_books.entity_id
            and changed_books.source_customer_id = ''
    where documents.document_key is not null or changed_books.entity_id is not null
),

allocations as (
    select
        allocations.source,
        allocations.allocation_id,
        allocations.debit_key,
        allocations.instalment_no,
        allocations.amount,
        allocations.effective_date,
        allocations.reversed_on
    from {{ ref('int_allocations_checked') }} as allocations
    inner join (select distinct document_key from documented) as written_off_documents
        on allocations.debit_key = written_off_documents.document_key
    where
        allocations.refused_reason is null
        and (
            allocations.reversed_on is null
            or allocations.reversed_on > allocations.effective_date
        )
),

-- A write-off adds nothing here: it only marks its place among the allocations.
events as (
    select
        source,
        record_key as event_key,
        document_key,
        instalment_no,
        write_off_date as event_date,
        2 as event_order,
        0 as amount
    from documented
    union all
    select
        source,
        allocation_id as event_key,
        debit_key as document_key,
        instalment_no,
        effective_date as event_date,
        1 as event_order,
        amount
    from allocations
    union all
    select
        source,
        allocation_id as event_key,
        debit_key as document_key,
        instalment_no,
        reversed_on as event_date,
        0 as event_order,
        -amount as amount
    from allocations
    where reversed_on is not null
),

in_force as (
    select
        events.*,
        sum(amount) over (
            partition by document_key
            order by event_date, event_order, event_key
        ) as settled_amount,
        sum(amount) over (
            partition by document_key, instalment_no
            order by event_date, event_order, event_key
        ) as settled_of_instalment
    from events
),

peaks as (
    select
        source,
        event_key,
        event_order,
        max(settled_amount) over (
            partition by document_key
            order by event_date, event_order, event_key
            rows between current row and unbounded following
        ) as settled_amount,
        max(settled_of_instalment) over (
            partition by document_key, instalment_no
            order by event_date, event_order, event_key
            rows between current row and unbounded following
        ) as settled_of_instalment
    from in_force
),

matched as (
    select
        documented.*,
        peaks.settled_amount,
        peaks.settled_of_instalment
    from documented
    inner join peaks
        on
            documented.source = peaks.source
            and documented.record_key = peaks.event_key
            and peaks.event_order = 2
),

final as (
    select
        source,
        record_key,
        line_no,
        {{ surrogate_key(['source', 'entity_id', "'write_off'", 'source_write_off_id']) }}
            as write_off_id,
        entity_id,
        document_key,
        instalment_no,
        write_off_date,
        amount,
        known_at,
        case
            when document_key is null or document_refused_reason is not null
                then 'document_id'
            when document_type <> 'invoice' or status <> 'posted' then 'document_id'
            when write_off_date < issue_date then 'write_off_date'
            when instalment_no is not null and instalment_amount is null then 'instalment_no'
            when settled_amount + written_off_so_far > amount_incl_tax then 'amount'
            when settled_of_instalment + written_off_of_instalment > instalment_amount
                then 'amount'
        end as refused_column,
        case
            when document_key is null
                then 'document ' || source_document_id || ' is not in documents: add it there'
            when document_refused_reason is not null
                then 'document ' || source_document_id || ' was itself refused: mend it first'
            when document_type <> 'invoice' or status <> 'posted'
                then
                    'document ' || source_document_id || ' is a ' || status || ' '
                    || replace(document_type, '_', ' ')
                    || ': only posted invoices are written off'
            when write_off_date < issue_date
                then
                    'document ' || source_document_id || ' was issued on '
                    || cast(issue_date as text) || ': it cannot be written off before'
            when instalment_no is not null and instalment_amount is null
                then
                    'document ' || source_document_id || ' has no instalment '
                    || cast(instalment_no as text) || ': correct the number or leave it empty'
            when settled_amount + written_off_so_far > amount_incl_tax
                then
                    'write-offs of ' || cast(written_off_so_far as text)
                    || ' and settlements of ' || cast(settled_amount as text)
                    || ' exceed document ' || source_document_id || ' of '
                    || cast(amount_incl_tax as text)
            when settled_of_instalment + written_off_of_instalment > instalment_amount
                then
                    'write-offs of ' || cast(written_off_of_instalment as text)
                    || ' and settlements of ' || cast(settled_of_instalment as text)
                    || ' exceed instalment ' || cast(instalment_no as text) || ' of document '
                    || source_document_id || ' of ' || cast(instalment_amount as text)
        end as refused_reason
    from matched
)

select * from final
