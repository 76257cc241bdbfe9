-- grain: one row per payment, refund or credit note and document that it settles
-- What was paid too much on one invoice may be used on others: Dolibarr names the invoice that it
-- was paid on. The payments that were too much are used in their order.
with settlements as (
    select
        entity_id,
        source_document_id,
        source_payment_id,
        source_credit_id,
        settlement_kind,
        settled_on,
        amount,
        allocated_amount,
        is_estimated,
        known_at
    from {{ ref('stg_dolibarr__settlements') }}
),

excesses as (
    select
        entity_id,
        source_document_id as source_credit_id,
        source_payment_id,
        amount - allocated_amount as amount,
        sum(amount - allocated_amount) over invoice as span_end,
        count(*) over (partition by entity_id, source_document_id) as payment_count,
        known_at
    from settlements
    where
        settlement_kind = 'receipt'
        and amount > allocated_amount
    window invoice as (
        partition by entity_id, source_document_id order by settled_on, source_payment_id
    )
),

excess_uses as (
    select
        entity_id,
        source_credit_id,
        source_document_id,
        amount,
        sum(amount) over (
            partition by entity_id, source_credit_id order by settled_on, source_document_id
        ) as span_end,
        count(*) over (partition by entity_id, source_credit_id) as use_count,
        is_estimated,
        known_at
    from settlements
    where settlement_kind = 'excess'
),

pairs as (
    select
        entity_id,
        settlement_kind,
        case
            when settlement_kind in ('receipt', 'refund') then 'payment'
            else 'credit_note'
        end as source_type,
        case settlement_kind
            when 'credit_note' then source_credit_id
            -- As stg_dolibarr__documents names it.
            when 'deposit' then 'deposit ' || source_credit_id || ' ' || source_document_id
            else source_payment_id
        end as source_id,
        source_document_id,
        allocated_amount as amount,
        is_estimated,
        known_at
    from settlements
    where settlement_kind <> 'excess'
    union all
    -- Several rows per use where one payment was not enough.
    select
        excess_uses.entity_id,
        'excess' as settlement_kind,
        'payment' as source_type,
        excesses.source_payment_id as source_id,
        excess_uses.source_document_id,
        least(excesses.span_end, excess_uses.span_end)
        - greatest(
            excesses.span_end - excesses.amount, excess_uses.span_end - excess_uses.amount
        ) as amount,
        excess_uses.is_estimated
        or (excesses.payment_count > 1 and excess_uses.use_count > 1) as is_estimated,
        greatest(excesses.known_at, excess_uses.known_at) as known_at
    from excess_uses
    inner join excesses
        on
            excess_uses.entity_id = excesses.entity_id
            and excess_uses.source_credit_id = excesses.source_credit_id
),

final as (
    select
        {{ surrogate_key(['entity_id', 'settlement_kind', 'source_id', 'source_document_id']) }}
            as record_key,
        cast(null as integer) as line_no,
        entity_id,
        settlement_kind || ' ' || source_id || '/' || source_document_id
            as source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        cast(null as integer) as instalment_no,
        amount,
        -- What is undone is no longer listed.
        cast(null as date) as reversed_on,
        is_estimated,
        known_at
    from pairs
    where amount > 0
)

select * from final
