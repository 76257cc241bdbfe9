-- grain: one row per accounting entry that touches a receivable account or revenue
with ledger_lines as (
    select
        source,
        entity_id,
        closing_date,
        entry_key,
        account_role,
        is_receivable,
        signed_amount
    from {{ ref('int_ledger_lines') }}
),

final as (
    select
        source,
        entity_id,
        closing_date,
        entry_key,
        max(case when account_role = 'revenue' then 1 else 0 end) = 1 as has_revenue,
        max(case when account_role = 'output_tax' then 1 else 0 end) = 1 as has_output_tax,
        max(case when account_role = 'treasury' then 1 else 0 end) = 1 as has_treasury,
        max(case when account_role = 'bad_debt' then 1 else 0 end) = 1 as has_bad_debt,
        -- Revenue stands on the credit side: positive here means sold.
        sum(case when account_role = 'revenue' then -signed_amount else 0 end)
            as revenue_excl_tax_amount,
        sum(case when is_receivable then signed_amount else 0 end) as receivable_amount
    from ledger_lines
    group by source, entity_id, closing_date, entry_key
    having
        max(case when is_receivable then 1 else 0 end) = 1
        or max(case when account_role = 'revenue' then 1 else 0 end) = 1
)

select * from final
