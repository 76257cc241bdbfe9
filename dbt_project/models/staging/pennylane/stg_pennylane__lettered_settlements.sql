-- grain: one row per document and ledger line or credit note that settles it, and per rest of money
-- What the ledger says: the money is the lines of customers' accounts, what settles what is their
-- lettering. `rest_amount` is what of a line settles nothing: an unapplied credit of its customer.
with receivable_lines as (
    select
        entity_id,
        ledger_line_id,
        item_kind,
        is_debit,
        source_document_id,
        source_customer_id,
        currency_code,
        exchange_rate,
        entry_date,
        amount,
        label,
        known_at,
        case
            when item_kind = 'document' then source_document_id
            else 'line-' || cast(ledger_line_id as text)
        end as item_id
    from {{ ref('stg_pennylane__receivable_lines') }}
),

letterings as (
    select
        entity_id,
        credit_line_id,
        debit_line_id,
        amount,
        is_estimated,
        known_at
    from {{ ref('stg_pennylane__letterings') }}
),

-- What settles is the credit; a refund is what pays out a credit note or a payment.
pairs as (
    select
        letterings.entity_id,
        letterings.credit_line_id,
        letterings.debit_line_id,
        debits.item_kind = 'payment' as is_refund,
        case when debits.item_kind = 'payment' then debits.item_kind else credits.item_kind end
            as settling_kind,
        case when debits.item_kind = 'payment' then debits.item_id else credits.item_id end
            as settling_id,
        case when debits.item_kind = 'payment' then debits.label else credits.label end as label,
        case when debits.item_kind = 'payment' then debits.entry_date else credits.entry_date end
            as transaction_date,
        case when debits.item_kind = 'payment' then debits.amount else credits.amount end
            as transaction_amount,
        case when debits.item_kind = 'payment' then credits.item_id else debits.item_id end
            as source_document_id,
        case
            when debits.item_kind = 'payment' then credits.source_customer_id
            else debits.source_customer_id
        end as source_customer_id,
        case
            when debits.item_kind = 'payment' then credits.currency_code else debits.currency_code
        end as currency_code,
        case
            when debits.item_kind = 'payment' then credits.exchange_rate else debits.exchange_rate
        end as exchange_rate,
        letterings.amount as company_amount,
        letterings.is_estimated,
        letterings.known_at
    from letterings
    inner join receivable_lines as credits
        on
            letterings.entity_id = credits.entity_id
            and letterings.credit_line_id = credits.ledger_line_id
    inner join receivable_lines as debits
        on
            letterings.entity_id = debits.entity_id
            and letterings.debit_line_id = debits.ledger_line_id
    where credits.item_kind <> 'write_off'
),

-- Rounded where the sum stands, so that a document that is settled whole is so to the cent.
converted as (
    select
        pairs.*,
        round(
            sum(company_amount) over (
                partition by entity_id, source_document_id
                order by credit_line_id, debit_line_id
            ) / nullif(exchange_rate, 0),
            coalesce(currencies.minor_units, 2)
        ) as settled_so_far,
        round(
            (
                sum(company_amount) over (
                    partition by entity_id, source_document_id
                    order by credit_line_id, debit_line_id
                ) - company_amount
            ) / nullif(exchange_rate, 0),
            coalesce(currencies.minor_units, 2)
        ) as settled_before
    from pairs
    left join {{ ref('currencies') }} as currencies
        on pairs.currency_code = currencies.currency_code
),

used as (
    select
        entity_id,
        credit_line_id as ledger_line_id,
        sum(amount) as amount
    from letterings
    group by entity_id, credit_line_id
    union all
    select
        entity_id,
        debit_line_id as ledger_line_id,
        sum(amount) as amount
    from letterings
    group by entity_id, debit_line_id
),

rests as (
    select
        lines.entity_id,
        lines.item_id,
        lines.source_customer_id,
        lines.is_debit,
        lines.entry_date,
        lines.amount,
        lines.label,
        lines.known_at,
        lines.amount - coalesce(used.amount, 0) as rest_amount
    from receivable_lines as lines
    left join used
        on
            lines.entity_id = used.entity_id
            and lines.ledger_line_id = used.ledger_line_id
    where
        lines.item_kind = 'payment'
        and lines.amount > coalesce(used.amount, 0)
),

final as (
    select
        entity_id,
        case when settling_kind = 'payment' then 'payment' else 'credit_note' end as source_type,
        settling_id,
        source_document_id,
        min(source_customer_id) as source_customer_id,
        min(currency_code) as currency_code,
        min(exchange_rate) as exchange_rate,
        sum(settled_so_far - settled_before) as amount,
        cast(0 as numeric) as rest_amount,
        bool_or(is_estimated) as is_estimated,
        bool_or(is_refund) as is_refund,
        min(transaction_date) as transaction_date,
        'EUR' as transaction_currency,
        min(transaction_amount) as transaction_amount,
        min(transaction_amount) as transaction_company_amount,
        min(label) as label,
        min(known_at) as known_at
    from converted
    group by entity_id, settling_kind, settling_id, source_document_id
    union all
    select
        entity_id,
        'payment' as source_type,
        item_id as settling_id,
        cast(null as text) as source_document_id,
        source_customer_id,
        'EUR' as currency_code,
        cast(1 as numeric) as exchange_rate,
        cast(0 as numeric) as amount,
        rest_amount,
        false as is_estimated,
        is_debit as is_refund,
        entry_date as transaction_date,
        'EUR' as transaction_currency,
        amount as transaction_amount,
        amount as transaction_company_amount,
        label,
        known_at
    from rests
)

select * from final
