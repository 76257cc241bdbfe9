-- grain: one row per ledger account of an entity
-- The role of an account is that of its longest known prefix (seed account_roles).
with accounts as (
    select
        source,
        entity_id,
        ledger_account,
        max(account_label) as account_label
    from {{ ref('int_gathered_ledger_lines') }}
    group by source, entity_id, ledger_account
),

matches as (
    select
        accounts.source,
        accounts.entity_id,
        accounts.ledger_account,
        accounts.account_label,
        account_roles.role,
        row_number() over (
            partition by accounts.source, accounts.entity_id, accounts.ledger_account
            order by length(cast(account_roles.account_prefix as text)) desc
        ) as prefix_rank
    from accounts
    left join {{ ref('account_roles') }} as account_roles
        on accounts.ledger_account like cast(account_roles.account_prefix as text) || '%'
),

final as (
    select
        source,
        entity_id,
        ledger_account,
        account_label,
        role as account_role,
        coalesce(role in ('receivable', 'doubtful_receivable'), false) as is_receivable
    from matches
    where prefix_rank = 1
)

select * from final
