-- grain: one row per control total of a ledger account, in its latest version known on `known_on`
with versions as (
    select
        record_key,
        payload,
        line_no,
        is_deleted,
        min(extracted_at) over (partition by record_key) as known_at,
        row_number() over (
            partition by record_key
            order by extracted_at desc, version_no desc
        ) as version_rank
    from {{ source('raw_files', 'ledger_balances') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        record_key,
        line_no,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        {{ json_text('payload', 'account') }} as ledger_account,
        cast({{ json_text('payload', 'balance_date') }} as date) as balance_date,
        cast({{ json_text('payload', 'balance') }} as numeric) as ledger_balance,
        known_at
    from versions
    where version_rank = 1 and not is_deleted
)

select * from final
