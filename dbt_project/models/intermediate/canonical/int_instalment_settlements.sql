-- grain: one row per settlement event and instalment of an invoice that has several instalments
-- What names no instalment fills the oldest due date that has room. What is settled at a date
-- depends only on what is in force then, so a reversal frees the latest due date first.
with instalments as (
    select
        document_key,
        instalment_no,
        due_date,
        amount
    from {{ ref('int_instalments') }}
    where is_split
),

events as (
    select
        settlement_events.settlement_id,
        settlement_events.debit_key,
        settlement_events.instalment_no,
        settlement_events.amount,
        settlement_events.event_date,
        settlement_events.event_order,
        settlement_events.movement_type,
        settlement_events.is_estimated,
        settlement_events.known_at,
        row_number() over (
            partition by settlement_events.debit_key
            order by
                settlement_events.event_date,
                settlement_events.event_order desc,
                settlement_events.settlement_id
        ) as event_no,
        sum(
            case
                when settlement_events.instalment_no is null then settlement_events.amount
                else 0
            end
        ) over (
            partition by settlement_events.debit_key
            order by
                settlement_events.event_date,
                settlement_events.event_order desc,
                settlement_events.settlement_id
        ) as unassigned_amount
    from {{ ref('int_settlement_events') }} as settlement_events
    inner join (
        select document_key
        from instalments
        group by document_key
    ) as split_documents
        on settlement_events.debit_key = split_documents.document_key
),

-- Every event meets every instalment of its document: both lists are short.
named_amounts as (
    select
        events.settlement_id,
        events.debit_key,
        events.event_no,
        events.event_date,
        events.movement_type,
        events.is_estimated,
        events.known_at,
        events.unassigned_amount,
        instalments.instalment_no,
        instalments.due_date,
        instalments.amount as instalment_amount,
        sum(
            case
                when events.instalment_no = instalments.instalment_no then events.amount
                else 0
            end
        ) over (
            partition by events.debit_key, instalments.instalment_no
            order by events.event_no
        ) as assigned_amount
    from events
    inner join instalments
        on events.debit_key = instalments.document_key
),

rooms as (
    select
        named_amounts.*,
        instalment_amount - assigned_amount as room_amount,
        sum(instalment_amount - assigned_amount) over (
            partition by debit_key, event_no
            order by due_date, instalment_no
        ) - (instalment_amount - assigned_amount) as room_before
    from named_amounts
),

settled as (
    select
        rooms.*,
        assigned_amount
        + least(greatest(unassigned_amount - room_before, 0), room_amount) as settled_amount
    from rooms
),

changes as (
    select
        settlement_id,
        debit_key,
        instalment_no,
        event_no,
        event_date,
        movement_type,
        is_estimated,
        known_at,
        settled_amount - lag(settled_amount, 1, 0) over (
            partition by debit_key, instalment_no
            order by event_no
        ) as amount
    from settled
),

final as (
    select
        settlement_id,
        debit_key,
        instalment_no,
        event_no,
        event_date,
        movement_type,
        is_estimated,
        amount,
        known_at
    from changes
    where amount <> 0
)

select * from final
