-- grain: one row per receipt or refund of one customer, latest version known on `known_on`
-- Payments, deposits on invoices, and what journal entries, deposits and purchases credit to a
-- customer or pay back. What a payment settles of another customer than its own (a job, its parent)
-- is a payment of that one, and its own is so much smaller (DECISIONS.md).
with items as (
    select
        entity_id,
        txn_type,
        source_item_id,
        source_customer_id,
        item_date,
        currency_code,
        exchange_rate,
        signed_amount,
        payload,
        known_at
    from {{ ref('stg_quickbooks__items') }}
    where
        txn_type in ('Payment', 'InvoiceDeposit', 'Deposit', 'Purchase')
        or (txn_type = 'JournalEntry' and signed_amount < 0)
),

other_parts as (
    select
        entity_id,
        source_payment_id,
        source_customer_id,
        sum(case when side = 'debit' then amount else -amount end) as received_amount,
        min(known_at) as known_at
    from {{ ref('stg_quickbooks__settlement_lines') }}
    where source_customer_id <> payment_customer_id
    group by entity_id, source_payment_id, source_customer_id
),

other_totals as (
    select
        entity_id,
        source_payment_id,
        sum(received_amount) as received_amount
    from other_parts
    group by entity_id, source_payment_id
),

parts as (
    select
        items.entity_id,
        items.source_item_id as source_payment_id,
        items.source_customer_id,
        items.item_date,
        items.currency_code,
        items.exchange_rate,
        -- Nothing of it is another customer's where nothing is said.
        -items.signed_amount - coalesce(other_totals.received_amount, 0) as received_amount,
        items.payload,
        items.known_at
    from items
    left join other_totals
        on
            items.entity_id = other_totals.entity_id
            and items.source_item_id = other_totals.source_payment_id
    union all
    select
        items.entity_id,
        items.source_item_id || '/' || other_parts.source_customer_id as source_payment_id,
        other_parts.source_customer_id,
        items.item_date,
        items.currency_code,
        items.exchange_rate,
        other_parts.received_amount,
        items.payload,
        other_parts.known_at
    from items
    inner join other_parts
        on
            items.entity_id = other_parts.entity_id
            and items.source_item_id = other_parts.source_payment_id
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_payment_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        case when received_amount < 0 then 'refund' else 'receipt' end as payment_type,
        item_date as payment_date,
        currency_code,
        abs(received_amount) as amount,
        exchange_rate,
        {{ json_text(json_part('payload', 'PaymentMethodRef'), 'name') }} as method,
        coalesce(
            nullif({{ json_text('payload', 'PaymentRefNum') }}, ''),
            nullif({{ json_text('payload', 'DocNumber') }}, '')
        ) as reference,
        known_at
    from parts
    -- A payment of nothing only applies credits.
    where received_amount <> 0 or received_amount is null
)

select * from final
