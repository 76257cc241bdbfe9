-- grain: one row per item key whose company amounts are rounded on the running balance
-- At rate 1 and in whole minor units the company amount of a movement is its amount: that holds for
-- nearly all items, and nothing need be converted or added up for them.
with finest as (
    select min(minor_units) as minor_units
    from {{ ref('int_entities') }}
),

fine_settlements as (
    select
        settlements.debit_key,
        settlements.credit_key
    from {{ ref('int_settlements') }} as settlements
    cross join finest
    where settlements.amount <> round(settlements.amount, finest.minor_units)
),

final as (
    select item_key
    from {{ ref('int_items') }}
    where
        exchange_rate <> 1
        or original_amount <> round(original_amount, company_minor_units)
    union
    select debit_key as item_key
    from fine_settlements
    union
    select credit_key as item_key
    from fine_settlements
    where credit_key is not null
)

select * from final
