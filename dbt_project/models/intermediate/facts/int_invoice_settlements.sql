-- grain: one row per settlement, invoice instalment and interval of days in which it is in force
-- Every behaviour mart reads it. What a settlement pays of an instalment changes only on days on
-- which another one is reversed or names its instalment, so such a document is laid out anew for
-- each stretch of days between them, and so is one whose amounts are rounded. Nearly all documents
-- need nothing of this.
with laid_out_documents as (
    select item_key
    from {{ ref('int_items') }}
    where item_type = 'invoice' and instalment_no <> 1
    union
    select item_key
    from {{ ref('int_converted_items') }}
    union
    select debit_key as item_key
    from {{ ref('int_settlements') }}
    where reversed_on <= {{ as_of_date() }}
),

plain_settlements as (
    select
        settlements.settlement_id,
        settlements.settlement_type,
        settlements.credit_key,
        items.open_item_id,
        items.item_key,
        items.entity_id,
        items.customer_id,
        items.origin,
        items.booking_date,
        items.issue_date,
        items.due_date,
        settlements.effective_date,
        settlements.effective_date as in_force_from,
        cast(null as date) as in_force_to,
        items.currency_code,
        settlements.amount,
        items.company_currency_code,
        settlements.amount as company_amount
    from {{ ref('int_settlements') }} as settlements
    inner join {{ ref('int_items') }} as items
        on settlements.debit_key = items.item_key
    left join laid_out_documents
        on settlements.debit_key = laid_out_documents.item_key
    where
        items.item_type = 'invoice'
        and settlements.effective_date <= {{ as_of_date() }}
        and laid_out_documents.item_key is null
),

invoice_items as (
    select
        items.open_item_id,
        items.item_key,
        items.entity_id,
        items.customer_id,
        items.instalment_no,
        items.origin,
        items.booking_date,
        items.issue_date,
        items.due_date,
        items.currency_code,
        items.original_amount,
        items.exchange_rate,
        items.company_currency_code,
        items.company_minor_units
    from {{ ref('int_items') }} as items
    inner join laid_out_documents
        on items.item_key = laid_out_documents.item_key
    where items.item_type = 'invoice'
),

settlements as (
    select
        settlements.settlement_id,
        settlements.settlement_type,
        settlements.credit_key,
        settlements.debit_key,
        settlements.instalment_no,
        settlements.amount,
        settlements.effective_date,
        -- A reversal to come has not happened at the as-of date.
        case when settlements.reversed_on <= {{ as_of_date() }} then settlements.reversed_on end
            as reversed_on
    from {{ ref('int_settlements') }} as settlements
    inner join laid_out_documents
        on settlements.debit_key = laid_out_documents.item_key
    where
        settlements.effective_date <= {{ as_of_date() }}
        and (
            settlements.reversed_on is null
            or settlements.reversed_on > settlements.effective_date
        )
),

stretch_starts as (
    select
        debit_key,
        reversed_on as stretch_start
    from settlements
    where reversed_on is not null
    union
    select
        debit_key,
        effective_date as stretch_start
    from settlements
    where instalment_no is not null
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
        settlements.credit_key,
        settlements.debit_key,
        settlements.instalment_no,
        settlements.amount,
        settlements.effective_date,
        stretches.stretch_start,
        greatest(settlements.effective_date, stretches.stretch_start) as in_force_from,
        least(settlements.reversed_on, stretches.stretch_end) as in_force_to,
        sum(case when settlements.instalment_no is null then settlements.amount else 0 end) over (
            partition by settlements.debit_key, stretches.stretch_start
            order by settlements.effective_date, settlements.settlement_id
        ) as unassigned_amount
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

-- What the settlements of a stretch name of each instalment, and what they leave to the others,
-- oldest due date first. Every stretch meets every instalment of its document: both are few.
assigned_amounts as (
    select
        in_force.debit_key,
        in_force.stretch_start,
        invoice_items.open_item_id,
        invoice_items.instalment_no,
        invoice_items.due_date,
        invoice_items.original_amount,
        sum(
            case
                when in_force.instalment_no = invoice_items.instalment_no then in_force.amount
                else 0
            end
        ) as assigned_amount
    from in_force
    inner join invoice_items
        on in_force.debit_key = invoice_items.item_key
    group by
        in_force.debit_key, in_force.stretch_start, invoice_items.open_item_id,
        invoice_items.instalment_no, invoice_items.due_date, invoice_items.original_amount
),

rooms as (
    select
        debit_key,
        stretch_start,
        open_item_id,
        instalment_no,
        original_amount - assigned_amount as room_amount,
        sum(original_amount - assigned_amount) over (
            partition by debit_key, stretch_start
            order by due_date, instalment_no
        ) as room_to_here_amount
    from assigned_amounts
),

parts as (
    select
        in_force.settlement_id,
        in_force.settlement_type,
        in_force.credit_key,
        rooms.open_item_id,
        in_force.effective_date,
        in_force.stretch_start,
        in_force.in_force_from,
        in_force.in_force_to,
        case
            when in_force.instalment_no = rooms.instalment_no then in_force.amount
            when in_force.instalment_no is not null then 0
            else
                least(in_force.unassigned_amount, rooms.room_to_here_amount)
                - greatest(
                    in_force.unassigned_amount - in_force.amount,
                    rooms.room_to_here_amount - rooms.room_amount
                )
        end as amount
    from in_force
    inner join rooms
        on
            in_force.debit_key = rooms.debit_key
            and in_force.stretch_start is not distinct from rooms.stretch_start
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
    where amount > 0
),

final as (
    select
        laid_out.settlement_id,
        laid_out.settlement_type,
        laid_out.credit_key,
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
        invoice_items.currency_code,
        laid_out.amount,
        invoice_items.company_currency_code,
        -- As in the movements: what changes of the rounded company balance of the item.
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
    union all
    select * from plain_settlements
)

select * from final
