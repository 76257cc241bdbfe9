-- grain: one row per invoice item, month end and kind of settlement that changed what is settled
-- The last month ends at the as-of date. Reversals count negative, on the day of the reversal.
with changes as (
    select
        open_item_id,
        entity_id,
        origin,
        booking_date,
        settlement_type,
        in_force_from as change_date,
        company_amount
    from {{ ref('fct_invoice_settlements') }}
    union all
    select
        open_item_id,
        entity_id,
        origin,
        booking_date,
        settlement_type,
        in_force_to as change_date,
        -company_amount as company_amount
    from {{ ref('fct_invoice_settlements') }}
    where in_force_to is not null
),

final as (
    select
        open_item_id,
        entity_id,
        origin,
        booking_date,
        settlement_type,
        least({{ month_end('change_date') }}, {{ as_of_date() }}) as period_end_date,
        sum(company_amount) as settled_company_amount
    from changes
    group by
        open_item_id, entity_id, origin, booking_date, settlement_type,
        least({{ month_end('change_date') }}, {{ as_of_date() }})
    having sum(company_amount) <> 0
)

select * from final
