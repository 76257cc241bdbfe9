-- grain: one row per line of a loss and line of an invoice that it settles
with final as (
    select
        {{ surrogate_key([
            'letterings.entity_id', 'letterings.credit_line_id', 'letterings.debit_line_id'
        ]) }}
            as record_key,
        cast(null as integer) as line_no,
        letterings.entity_id,
        cast(letterings.credit_line_id as text) || '/' || cast(letterings.debit_line_id as text)
            as source_write_off_id,
        debits.source_document_id,
        cast(null as integer) as instalment_no,
        credits.entry_date as write_off_date,
        round(
            letterings.amount / nullif(debits.exchange_rate, 0),
            coalesce(currencies.minor_units, 2)
        ) as amount,
        credits.label as reason,
        letterings.known_at
    from {{ ref('stg_pennylane__letterings') }} as letterings
    inner join {{ ref('stg_pennylane__entities') }} as entities
        on letterings.entity_id = entities.entity_id
    inner join {{ ref('stg_pennylane__receivable_lines') }} as credits
        on
            letterings.entity_id = credits.entity_id
            and letterings.credit_line_id = credits.ledger_line_id
    inner join {{ ref('stg_pennylane__receivable_lines') }} as debits
        on
            letterings.entity_id = debits.entity_id
            and letterings.debit_line_id = debits.ledger_line_id
    left join {{ ref('currencies') }} as currencies
        on debits.currency_code = currencies.currency_code
    where
        entities.has_ledger
        and credits.item_kind = 'write_off'
        and debits.item_kind = 'document'
)

select * from final
