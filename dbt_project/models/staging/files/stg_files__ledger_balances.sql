-- grain: one row per control total of a ledger account, in its latest version known on `known_on`
with latest as (
    select
        record_key,
        line_no,
        entity_id,
        account,
        balance_date,
        balance,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_files', 'ledger_balances') }} as versions
    where
        {{ is_latest_known('versions', source('raw_files', 'ledger_balances')) }}
),

final as (
    select
        record_key,
        line_no,
        entity_id,
        account as ledger_account,
        cast(balance_date as date) as balance_date,
        cast(balance as numeric) as ledger_balance,
        known_at
    from latest
    where not is_deleted
)

select * from final
