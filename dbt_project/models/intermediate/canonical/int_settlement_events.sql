-- grain: one row per settlement taking effect, or ceasing to
with final as (
    select
        settlement_id,
        credit_key,
        debit_key,
        instalment_no,
        amount,
        effective_date as event_date,
        settlement_type as movement_type,
        0 as event_order,
        is_estimated,
        known_at
    from {{ ref('int_settlements') }}
    union all
    select
        settlement_id,
        credit_key,
        debit_key,
        instalment_no,
        -amount as amount,
        reversed_on as event_date,
        'reversal' as movement_type,
        1 as event_order,
        is_estimated,
        known_at
    from {{ ref('int_settlements') }}
    where reversed_on is not null
)

select * from final
