-- grain: one row per payment, debit and credit that meet in it
-- Within one payment and customer, the money and the credits that are used settle what is linked.
-- Where one side has a single member, the pairs are told. Where both have several, the oldest debit
-- meets the oldest credit first, and the pairs are estimated.
with linked_lines as (
    select
        entity_id,
        case
            when source_customer_id = payment_customer_id then source_payment_id
            else source_payment_id || '/' || source_customer_id
        end as settlement_id,
        item_kind,
        source_item_id,
        item_date,
        side,
        amount,
        known_at
    from {{ ref('stg_quickbooks__settlement_lines') }}
),

-- The money is what the debits take beyond the credits; where the credits are more, as when one of
-- them settles what another customer owes, it is paid back.
money_totals as (
    select
        entity_id,
        settlement_id,
        sum(case when side = 'debit' then amount else -amount end) as used_amount,
        min(known_at) as known_at
    from linked_lines
    group by entity_id, settlement_id
),

lines as (
    select * from linked_lines
    union all
    select
        entity_id,
        settlement_id,
        'payment' as item_kind,
        settlement_id as source_item_id,
        cast(null as date) as item_date,
        case when used_amount < 0 then 'debit' else 'credit' end as side,
        abs(used_amount) as amount,
        known_at
    from money_totals
    where used_amount <> 0
),

-- Each line with where it lies among those of its side, and with the only member of each side where
-- there is one: most pairs need no join.
spans as (
    select
        lines.*,
        sum(amount) over (
            partition by entity_id, settlement_id, side
            order by item_date nulls last, source_item_id
        ) as span_end,
        count(case when side = 'debit' then 1 end) over settlement as debit_count,
        count(case when side = 'credit' then 1 end) over settlement as credit_count,
        max(case when side = 'debit' then source_item_id end) over settlement as any_debit_id,
        max(case when side = 'credit' then source_item_id end) over settlement as any_credit_id,
        max(case when side = 'debit' then item_kind end) over settlement as any_debit_kind,
        max(case when side = 'credit' then item_kind end) over settlement as any_credit_kind,
        max(known_at) over settlement as all_known_at
    from lines
    window settlement as (partition by entity_id, settlement_id)
),

-- Both sides have the same sum, so that the other side's only member takes the whole line.
told_pairs as (
    select
        entity_id,
        settlement_id,
        case when side = 'debit' then item_kind else any_debit_kind end as debit_kind,
        case when side = 'debit' then source_item_id else any_debit_id end as debit_id,
        case when side = 'credit' then item_kind else any_credit_kind end as credit_kind,
        case when side = 'credit' then source_item_id else any_credit_id end as credit_id,
        amount,
        false as is_estimated,
        case when debit_count = 1 and credit_count = 1 then all_known_at else known_at end
            as known_at
    from spans
    where
        (side = 'debit' and credit_count = 1)
        or (side = 'credit' and debit_count = 1 and credit_count > 1)
),

-- Several pairs per line where amounts do not match one to one.
estimated_pairs as (
    select
        debits.entity_id,
        debits.settlement_id,
        debits.item_kind as debit_kind,
        debits.source_item_id as debit_id,
        credits.item_kind as credit_kind,
        credits.source_item_id as credit_id,
        least(debits.span_end, credits.span_end)
        - greatest(debits.span_end - debits.amount, credits.span_end - credits.amount) as amount,
        true as is_estimated,
        greatest(debits.known_at, credits.known_at) as known_at
    from spans as debits
    inner join spans as credits
        on
            debits.entity_id = credits.entity_id
            and debits.settlement_id = credits.settlement_id
            and credits.side = 'credit'
            and credits.debit_count > 1
            and credits.credit_count > 1
    where
        debits.side = 'debit'
        and debits.debit_count > 1
        and debits.credit_count > 1
),

deposits_on_invoices as (
    select
        entity_id,
        source_item_id as settlement_id,
        'document' as debit_kind,
        'Invoice/' || txn_id as debit_id,
        'payment' as credit_kind,
        source_item_id as credit_id,
        -signed_amount as amount,
        false as is_estimated,
        known_at
    from {{ ref('stg_quickbooks__items') }}
    where txn_type = 'InvoiceDeposit'
),

pairs as (
    select * from told_pairs
    union all
    select * from estimated_pairs
    where amount > 0
    union all
    select * from deposits_on_invoices
),

final as (
    select
        {{ surrogate_key(['entity_id', 'settlement_id', 'debit_id', 'credit_id']) }}
            as record_key,
        cast(null as integer) as line_no,
        entity_id,
        settlement_id || '/' || debit_id || '/' || credit_id as source_allocation_id,
        case
            when debit_kind = 'payment' or credit_kind = 'payment' then 'payment'
            else 'credit_note'
        end as source_type,
        -- A refund is allocated to what it pays out.
        case when debit_kind = 'payment' then debit_id else credit_id end as source_id,
        case when debit_kind = 'payment' then credit_id else debit_id end as source_document_id,
        cast(null as integer) as instalment_no,
        amount,
        cast(null as date) as reversed_on,
        is_estimated,
        known_at
    from pairs
)

select * from final
