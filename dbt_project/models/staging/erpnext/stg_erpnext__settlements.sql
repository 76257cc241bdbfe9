-- grain: one row per voucher, debit and credit that meet in it
-- A voucher is itself the other side of what it settles, less what its own lines set off: a payment
-- against an invoice and a credit note, a journal entry with a line for each of them. Where one
-- side has a single member, the pairs are told; where both have several, the oldest debit meets the
-- oldest credit first, and the pairs are estimated. No item is settled further than it is open:
-- what comes last stays with its voucher.
with lines as (
    select
        entity_id,
        voucher_type,
        voucher_no,
        source_customer_id,
        currency_code,
        debit_id,
        debit_kind,
        credit_id,
        credit_kind,
        journal_type,
        posting_date,
        amount,
        settled_id,
        settled_kind,
        settled_date,
        settled_room,
        known_at
    from {{ ref('stg_erpnext__ledger_lines') }}
    where settled_id is not null
),

capped as (
    select
        lines.*,
        greatest(
            least(
                abs(amount),
                settled_room + abs(amount) - sum(abs(amount)) over (
                    partition by entity_id, settled_kind, settled_id, sign(amount)
                    order by posting_date, voucher_type, voucher_no
                )
            ),
            0
        ) as capped_amount
    from lines
),

balances as (
    select
        entity_id,
        voucher_type,
        voucher_no,
        source_customer_id,
        currency_code,
        debit_id,
        debit_kind,
        credit_id,
        credit_kind,
        journal_type,
        min(posting_date) as posting_date,
        -sum(amount) as amount,
        min(known_at) as known_at
    from lines
    group by
        entity_id,
        voucher_type,
        voucher_no,
        source_customer_id,
        currency_code,
        debit_id,
        debit_kind,
        credit_id,
        credit_kind,
        journal_type
    having sum(amount) <> 0
),

sides as (
    select
        entity_id,
        voucher_type,
        voucher_no,
        source_customer_id,
        currency_code,
        journal_type,
        case when amount < 0 then 'debit' else 'credit' end as side,
        false as is_voucher,
        settled_id as item_id,
        settled_kind as item_kind,
        settled_date as item_date,
        capped_amount as amount,
        known_at
    from capped
    where capped_amount > 0
    union all
    select
        entity_id,
        voucher_type,
        voucher_no,
        source_customer_id,
        currency_code,
        journal_type,
        case when amount < 0 then 'debit' else 'credit' end as side,
        true as is_voucher,
        case when amount < 0 then debit_id else credit_id end as item_id,
        case when amount < 0 then debit_kind else credit_kind end as item_kind,
        posting_date as item_date,
        abs(amount) as amount,
        known_at
    from balances
),

spans as (
    select
        sides.*,
        sum(amount) over (
            partition by
                entity_id, voucher_type, voucher_no, source_customer_id, currency_code, side
            order by item_date, item_id, item_kind
        ) as span_end,
        count(*) over (
            partition by
                entity_id, voucher_type, voucher_no, source_customer_id, currency_code, side
        ) as side_count
    from sides
),

-- Nearly always, one side has a single member.
pairs as (
    select
        debits.entity_id,
        debits.voucher_type,
        debits.voucher_no,
        debits.item_id as debit_id,
        debits.item_kind as debit_kind,
        credits.item_id as credit_id,
        credits.item_kind as credit_kind,
        least(debits.span_end, credits.span_end)
        - greatest(debits.span_end - debits.amount, credits.span_end - credits.amount) as amount,
        debits.side_count > 1 and credits.side_count > 1 as is_estimated,
        debits.journal_type = 'Write Off Entry'
        and credits.is_voucher
        and debits.item_kind = 'document' as is_write_off,
        credits.item_date as credit_date,
        case
            when debits.is_voucher then credits.known_at
            when credits.is_voucher then debits.known_at
            else greatest(debits.known_at, credits.known_at)
        end as known_at
    from spans as debits
    inner join spans as credits
        on
            credits.side = 'credit'
            and debits.entity_id = credits.entity_id
            and debits.voucher_type = credits.voucher_type
            and debits.voucher_no = credits.voucher_no
            and debits.source_customer_id = credits.source_customer_id
            and debits.currency_code = credits.currency_code
    where debits.side = 'debit'
),

final as (
    select
        {{ surrogate_key([
            'entity_id',
            'voucher_type',
            'voucher_no',
            'debit_kind',
            'debit_id',
            'credit_kind',
            'credit_id'
        ]) }} as record_key,
        entity_id,
        voucher_no || '/' || debit_id || '/' || credit_id as settlement_id,
        debit_id,
        debit_kind,
        credit_id,
        credit_kind,
        amount,
        is_estimated,
        coalesce(is_write_off, false) as is_write_off,
        credit_date,
        known_at
    from pairs
    where amount > 0
)

select * from final
