-- grain: one row per control total of a ledger account, in its latest version known on `known_on`
with replaced_versions as (
    select replaced_version
    from {{ source('raw_files', 'ledger_balances') }}
    where
        replaced_version is not null
        and extracted_at <= {{ known_on() }}
),

latest as (
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
        extracted_at <= {{ known_on() }}
        and not exists (
            select 1
            from replaced_versions
            where replaced_versions.replaced_version = versions.version_no
        )
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
