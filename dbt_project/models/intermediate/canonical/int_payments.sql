-- grain: one row per usable payment or refund, from any source
with final as (
    select
        source,
        payment_key,
        entity_id,
        customer_id,
        source_payment_id,
        reference as document_number,
        case payment_type when 'refund' then 'refund' else 'payment' end as item_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        cast(null as text) as ledger_account,
        false as is_doubtful,
        known_at
    from {{ ref('int_payments_checked') }}
    where refused_reason is null
    union all
    select
        lines.source,
        lines.line_key as payment_key,
        lines.entity_id,
        {{ surrogate_key(['lines.source', 'lines.entity_id', 'lines.source_customer_id']) }}
            as customer_id,
        lines.source_document_id as source_payment_id,
        lines.piece_ref as document_number,
        lines.item_type,
        lines.entry_date as payment_date,
        entities.base_currency as currency_code,
        abs(lines.signed_amount) as amount,
        1 as exchange_rate,
        lines.ledger_account,
        lines.is_doubtful,
        lines.known_at
    from {{ ref('int_ledger_receivable_lines') }} as lines
    inner join {{ ref('int_entities') }} as entities
        on lines.entity_id = entities.entity_id
    inner join {{ ref('int_changed_customers') }} as changed_customers
        on
            {{ surrogate_key(['lines.source', 'lines.entity_id', 'lines.source_customer_id']) }}
            = changed_customers.customer_id
    where
        lines.item_type in ('payment', 'refund')
        and not lines.is_carried_forward
)

select * from final
