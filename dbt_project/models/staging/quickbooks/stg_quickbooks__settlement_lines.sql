-- grain: one row per payment and receivable item that it is linked with
-- A payment names what it settles and the credits that it uses for it, each with an amount; a
-- payment of 0 only applies credits. Checks, expenses and card credits are purchases here: a link
-- names them by how they were paid.
with latest_payments as (
    select version_no
    from {{ source('raw_quickbooks', 'payments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'payments')) }}
        and not is_deleted
),

-- All versions, to find when a link was first there.
versions as (
    select
        payments.entity_id,
        payments.record_key,
        payments.payload,
        payments.extracted_at,
        latest_payments.version_no is not null as is_latest
    from {{ source('raw_quickbooks', 'payments') }} as payments
    left join latest_payments
        on payments.version_no = latest_payments.version_no
    where
        payments.extracted_at <= {{ known_on() }}
        and not payments.is_deleted
),

version_lines as (
    select
        versions.entity_id,
        versions.record_key,
        versions.extracted_at,
        versions.is_latest,
        {{ json_text(json_part('versions.payload', 'CustomerRef'), 'value') }}
            as payment_customer_id,
        case
            when
                {{ json_text('links.link', 'TxnType') }}
                in ('Invoice', 'CreditMemo', 'Payment', 'JournalEntry', 'Deposit')
                then {{ json_text('links.link', 'TxnType') }}
            -- A kind that was never seen is found nowhere, which the checks refuse.
            else 'Purchase'
        end as txn_type,
        {{ json_text('links.link', 'TxnId') }} as txn_id,
        cast({{ json_text('lines.line', 'Amount') }} as numeric) as amount
    from versions
    cross join lateral
        {{ json_elements(json_part('versions.payload', 'Line')) }} as lines (line)
    cross join lateral
        {{ json_elements(json_part('lines.line', 'LinkedTxn')) }} as links (link)
),

lines as (
    select
        entity_id,
        record_key,
        txn_type,
        txn_id,
        max(case when is_latest then payment_customer_id end) as payment_customer_id,
        sum(case when is_latest then amount end) as amount,
        min(extracted_at) as known_at
    from version_lines
    group by entity_id, record_key, txn_type, txn_id
),

items as (
    select
        entity_id,
        txn_type,
        txn_id,
        source_item_id,
        source_customer_id,
        item_date,
        signed_amount
    from {{ ref('stg_quickbooks__items') }}
),

-- A journal entry may concern several customers, so has several items: the payment's own is meant.
named as (
    select
        lines.*,
        items.source_item_id,
        items.source_customer_id,
        items.item_date,
        items.signed_amount,
        row_number() over (
            partition by lines.entity_id, lines.record_key, lines.txn_type, lines.txn_id
            order by
                case when items.source_customer_id = lines.payment_customer_id then 1 else 2 end,
                items.source_item_id
        ) as item_rank
    from lines
    left join items
        on
            lines.entity_id = items.entity_id
            and lines.txn_type = items.txn_type
            and lines.txn_id = items.txn_id
    -- What is linked no longer has no amount.
    where lines.amount <> 0
),

final as (
    select
        {{ surrogate_key(['entity_id', 'record_key', 'txn_type', 'txn_id']) }} as record_key,
        entity_id,
        'Payment/' || record_key as source_payment_id,
        payment_customer_id,
        -- What is linked and not there is refused by the checks, under the name that it has.
        coalesce(source_customer_id, payment_customer_id) as source_customer_id,
        coalesce(source_item_id, txn_type || '/' || txn_id) as source_item_id,
        case
            when
                txn_type in ('Invoice', 'CreditMemo')
                or (txn_type = 'JournalEntry' and signed_amount > 0)
                then 'document'
            else 'payment'
        end as item_kind,
        item_date,
        case
            when signed_amount < 0 then 'credit'
            when signed_amount > 0 then 'debit'
            when txn_type in ('CreditMemo', 'Deposit') then 'credit'
            else 'debit'
        end as side,
        amount,
        known_at
    from named
    where item_rank = 1
)

select * from final
