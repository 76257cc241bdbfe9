-- grain: one row per document and payment or credit note that settles it
with settlements as (
    select
        entity_id,
        source_type,
        settling_id,
        source_document_id,
        source_customer_id,
        currency_code,
        amount,
        is_estimated,
        known_at
    from {{ ref('stg_pennylane__settlements') }}
),

payment_counts as (
    select
        entity_id,
        settling_id,
        min({{ surrogate_key(["coalesce(source_customer_id, '')", 'currency_code']) }})
        = max({{ surrogate_key(["coalesce(source_customer_id, '')", 'currency_code']) }})
            as is_one_payment
    from settlements
    where source_type = 'payment'
    group by entity_id, settling_id
),

final as (
    select
        {{ surrogate_key([
            'settlements.entity_id',
            'settlements.source_type',
            'settlements.settling_id',
            'settlements.source_document_id'
        ]) }}
            as record_key,
        cast(null as integer) as line_no,
        settlements.entity_id,
        settlements.settling_id || '-' || settlements.source_document_id
            as source_allocation_id,
        settlements.source_type,
        -- As stg_pennylane__payments names them.
        case
            when settlements.source_type = 'credit_note' or payment_counts.is_one_payment
                then settlements.settling_id
            else
                settlements.settling_id || '/' || coalesce(settlements.source_customer_id, '')
                || '/' || settlements.currency_code
        end as source_id,
        settlements.source_document_id,
        cast(null as integer) as instalment_no,
        settlements.amount,
        cast(null as date) as reversed_on,
        settlements.is_estimated,
        settlements.known_at
    from settlements
    left join payment_counts
        on
            settlements.source_type = 'payment'
            and settlements.entity_id = payment_counts.entity_id
            and settlements.settling_id = payment_counts.settling_id
    where settlements.amount > 0
)

select * from final
