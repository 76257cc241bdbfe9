-- Rule: the tie-out compares with the control totals that the source delivered, and calls tied what
-- is equal on all three sides and nothing else. Source: contracts, section 4; a proof whose other
-- side is a copy of the first always succeeds.
with delivered as (
    select
        source,
        entity_id,
        balance_date as as_of_date,
        sum(ledger_balance) as ledger_balance
    from {{ ref('int_gathered_ledger_balances') }}
    group by source, entity_id, balance_date
)

select
    tie_out.entity_id,
    tie_out.source,
    tie_out.account,
    tie_out.as_of_date,
    tie_out.ledger_balance,
    delivered.ledger_balance as delivered_balance,
    tie_out.difference,
    tie_out.is_tied
from {{ ref('mart_tie_out') }} as tie_out
left join delivered
    on
        tie_out.source = delivered.source
        and tie_out.entity_id = delivered.entity_id
        and tie_out.as_of_date = delivered.as_of_date
where
    -- The balances of a ledger are those of its own lines.
    tie_out.ledger_balance <> delivered.ledger_balance
    or tie_out.difference is distinct from tie_out.ledger_balance - tie_out.open_items_total
    or tie_out.is_tied is distinct from (
        tie_out.ledger_balance = tie_out.open_items_total
        and tie_out.open_items_total = tie_out.aged_balance_total
    )
