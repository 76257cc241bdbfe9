-- grain: one row per ledger line that concerns receivables, in its latest version known
-- Accounts of customers, treasury and losses; nothing else of the ledger is kept.
with versions as (
    select
        entity_id,
        record_key,
        version_no,
        replaced_version,
        payload,
        {{ json_part(json_part('payload', 'lettered_ledger_entry_lines'), 'ids') }} as lettered_ids,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at,
        extracted_at
    from {{ source('raw_pennylane', 'ledger_entry_lines') }}
    where extracted_at <= {{ known_on() }}
),

latest as (
    select *
    from versions
    where
        not is_deleted
        and not exists (
            select 1
            from versions as newer
            where
                newer.replaced_version is not null
                and newer.replaced_version = versions.version_no
        )
),

-- A lettering is known since the line was first seen with it, whatever else changed since.
letterings as (
    select
        latest.entity_id,
        latest.record_key,
        min(versions.extracted_at) as lettering_known_at
    from latest
    inner join versions
        on
            latest.entity_id = versions.entity_id
            and latest.record_key = versions.record_key
            and latest.lettered_ids = versions.lettered_ids
    group by latest.entity_id, latest.record_key
),

typed as (
    select
        latest.entity_id,
        cast(latest.record_key as bigint) as ledger_line_id,
        {{ json_text(json_part('latest.payload', 'ledger_entry'), 'id') }} as ledger_entry_id,
        {{ json_text(json_part('latest.payload', 'ledger_account'), 'id') }} as ledger_account_id,
        {{ json_text(json_part('latest.payload', 'ledger_account'), 'number') }} as ledger_account,
        cast({{ json_text('latest.payload', 'date') }} as date) as entry_date,
        cast({{ json_text('latest.payload', 'debit') }} as numeric)
        - cast({{ json_text('latest.payload', 'credit') }} as numeric) as signed_amount,
        {{ json_text('latest.payload', 'label') }} as label,
        latest.lettered_ids,
        latest.known_at,
        letterings.lettering_known_at
    from latest
    inner join letterings
        on
            latest.entity_id = letterings.entity_id
            and latest.record_key = letterings.record_key
),

-- The role of an account is that of its longest known prefix.
roles as (
    select
        typed.entity_id,
        typed.ledger_line_id,
        account_roles.role,
        row_number() over (
            partition by typed.entity_id, typed.ledger_line_id
            order by length(cast(account_roles.account_prefix as text)) desc
        ) as prefix_rank
    from typed
    inner join {{ ref('account_roles') }} as account_roles
        on typed.ledger_account like cast(account_roles.account_prefix as text) || '%'
),

final as (
    select
        typed.entity_id,
        typed.ledger_line_id,
        typed.ledger_entry_id,
        typed.ledger_account_id,
        roles.role as account_role,
        roles.role in ('receivable', 'doubtful_receivable') as is_receivable,
        typed.entry_date,
        typed.signed_amount,
        typed.label,
        typed.lettered_ids,
        typed.known_at,
        typed.lettering_known_at
    from typed
    inner join roles
        on
            typed.entity_id = roles.entity_id
            and typed.ledger_line_id = roles.ledger_line_id
            and roles.prefix_rank = 1
)

select * from final
