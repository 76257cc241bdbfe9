-- grain: one row per settlement, invoice instalment and interval of days in which it is in force
-- Every behaviour mart reads it. What a settlement pays of an instalment changes only on days on
-- which another one is reversed or names its instalment, so a document is laid out anew for each
-- stretch of days between them; nearly all documents have one stretch without beginning and end.
with invoice_items as (
    select
        open_item_id,
        item_key,
        entity_id,
        customer_id,
        instalment_no,
        origin,
        booking_date,
        issue_date,
        due_date,
        original_amount,
        exchange_rate,
        company_minor_units
    from {{ ref('int_items') }}
    where item_type = 'invoice'
),

split_documents as (
    select item_key
    from invoice_items
    group by item_key
    having count(*) > 1
),

settlements as (
    select
        settlement_id,
        settlement_type,
        debit_key,
        instalment_no,
        amount,
        effective_date,
        -- A reversal to come has not happened at the as-of date.
        case when reversed_on <= {{ as_of_date() }} then reversed_on end as reversed_on
    from {{ ref('int_settlements') }}
    where
        effective_date <= {{ as_of_date() }}
        and (reversed_on is null or reversed_on > effective_date)
),

stretch_starts as (
    select
        debit_key,
        reversed_on as stretch_start
    from settlements
    where reversed_on is not null
    union
    select
        settlements.debit_key,
        settlements.effective_date as stretch_start
    from settlements
    inner join split_documents
        on settlements.debit_key = split_documents.item_key
    where settlements.instalment_no is not null
),

stretches as (
    select
        debit_key,
        stretch_start,
        lead(stretch_start) over (
            partition by debit_key
            order by stretch_start
        ) as stretch_end
    from stretch_starts
    union all
    select
        debit_key,
        cast(null as date) as stretch_start,
        min(stretch_start) as stretch_end
    from stretch_starts
    group by debit_key
),

-- A settlement has one row per stretch in which it is in force.
in_force as (
    select
        settlements.settlement_id,
        settlements.settlement_type,
        settlements.debit_key,
        settlements.instalment_no,
        settlements.amount,
        settlements.effective_date,
        stretches.stretch_start,
        greatest(settlements.effective_date, stretches.stretch_start) as in_force_from,
        least(settlements.reversed_on, stretches.stretch_end) as in_force_to
    from settlements
    left join stretches
        on
            settlements.debit_key = stretches.debit_key
            and (
                stretches.stretch_end is null
                or settlements.effective_date < stretches.stretch_end
            )
            and (
                settlements.reversed_on is null
                or stretches.stretch_start is null
                or settlements.reversed_on > stretches.stretch_start
            )
),

split_in_force as (
    select
        in_force.*,
        sum(case when in_force.instalment_no is null then in_force.amount else 0 end) over (
            partition by in_force.debit_key, in_force.stretch_start
            order by in_force.effective_date, in_force.settlement_id
        ) as unassigned_amount
    from in_force
    inner join split_documents
        on in_force.debit_key = split_documents.item_key
),

assigned_amounts as (
    select
        debit_key,
        stretch_start,
        instalment_no,
        sum(amount) as assigned_amount
    from split_in_force
    where instalment_no is not null
    group by debit_key, stretch_start, instalment_no
),

split_stretches as (
    select
        debit_key,
        stretch_start
    from split_in_force
    group by debit_key, stretch_start
),

-- What the named settlements leave of each instalment, oldest due date first.
rooms as (
    select
        split_stretches.debit_key,
        split_stretches.stretch_start,
        invoice_items.open_item_id,
        invoice_items.instalment_no,
        invoice_items.original_amount - coalesce(assigned_amounts.assigned_amount, 0)
            as room_amount,
        sum(invoice_items.original_amount - coalesce(assigned_amounts.assigned_amount, 0)) over (
            partition by split_stretches.debit_key, split_stretches.stretch_start
            order by invoice_items.due_date, invoice_items.instalment_no
        ) as room_to_here_amount
    from split_stretches
    inner join invoice_items
        on split_stretches.debit_key = invoice_items.item_key
    left join assigned_amounts
        on
            split_stretches.debit_key = assigned_amounts.debit_key
            and split_stretches.stretch_start is not distinct from assigned_amounts.stretch_start
            and invoice_items.instalment_no = assigned_amounts.instalment_no
),

-- Every settlement meets every instalment of its document: both lists are short.
split_parts as (
    select
        split_in_force.settlement_id,
        split_in_force.settlement_type,
        rooms.open_item_id,
        split_in_force.effective_date,
        split_in_force.stretch_start,
        split_in_force.in_force_from,
        split_in_force.in_force_to,
        case
            when split_in_force.instalment_no = rooms.instalment_no then split_in_force.amount
            when split_in_force.instalment_no is not null then 0
            else
                least(split_in_force.unassigned_amount, rooms.room_to_here_amount)
                - greatest(
                    split_in_force.unassigned_amount - split_in_force.amount,
                    rooms.room_to_here_amount - rooms.room_amount
                )
        end as amount
    from split_in_force
    inner join rooms
        on
            split_in_force.debit_key = rooms.debit_key
            and split_in_force.stretch_start is not distinct from rooms.stretch_start
),

whole_invoices as (
    select
        item_key,
        min(open_item_id) as open_item_id
    from invoice_items
    group by item_key
    having count(*) = 1
),

parts as (
    select
        in_force.settlement_id,
        in_force.settlement_type,
        whole_invoices.open_item_id,
        in_force.effective_date,
        in_force.stretch_start,
        in_force.in_force_from,
        in_force.in_force_to,
        in_force.amount
    from in_force
    inner join whole_invoices
        on in_force.debit_key = whole_invoices.item_key
    union all
    select
        settlement_id,
        settlement_type,
        open_item_id,
        effective_date,
        stretch_start,
        in_force_from,
        in_force_to,
        amount
    from split_parts
    where amount > 0
),

laid_out as (
    select
        parts.*,
        sum(amount) over (
            partition by open_item_id, stretch_start
            order by effective_date, settlement_id
            rows between unbounded preceding and current row
        ) as settled_amount
    from parts
),

-- As in the movements: what changes of the item's rounded company balance.
final as (
    select
        laid_out.settlement_id,
        laid_out.settlement_type,
        laid_out.open_item_id,
        invoice_items.item_key,
        invoice_items.entity_id,
        invoice_items.customer_id,
        invoice_items.origin,
        invoice_items.booking_date,
        invoice_items.issue_date,
        invoice_items.due_date,
        laid_out.effective_date,
        laid_out.in_force_from,
        laid_out.in_force_to,
        laid_out.amount,
        {{ company_amount(
            '(invoice_items.original_amount - laid_out.settled_amount + laid_out.amount)',
            'invoice_items.exchange_rate',
            'invoice_items.company_minor_units'
        ) }}
        - {{ company_amount(
            '(invoice_items.original_amount - laid_out.settled_amount)',
            'invoice_items.exchange_rate',
            'invoice_items.company_minor_units'
        ) }} as company_amount
    from laid_out
    inner join invoice_items
        on laid_out.open_item_id = invoice_items.open_item_id
)

select * from final
