-- grain: one row per control total of a ledger account and source
with final as (
    select
        'files' as source,
        record_key,
        line_no,
        entity_id,
        ledger_account,
        balance_date,
        ledger_balance,
        known_at
    from {{ ref('stg_files__ledger_balances') }}
)

select * from final
