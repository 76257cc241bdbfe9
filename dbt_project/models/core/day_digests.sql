-- grain: one row per kind of fact and business day
-- What holds for many customers, as one number per day: where two builds have the same numbers up
-- to a date, and of no customer a fact changed up to it, they show the same of it
-- (int_changed_days). What holds for every day stands on the first of all days.
with facts as (
    select
        'scope_type' as fact_type,
        cast('0001-01-01' as date) as business_date,
        {{ row_digest(['scope_type']) }} as digest
    from (
        select scope_type
        from {{ ref('int_scope_types') }}
        union
        select scope_type
        from {{ ref('int_document_scopes') }}
    ) as scope_types
    union all
    select
        'control_total' as fact_type,
        balance_date as business_date,
        {{ row_digest(['source', 'entity_id', 'ledger_account', 'ledger_balance']) }} as digest
    from {{ ref('int_gathered_ledger_balances') }}
    union all
    select
        'ledger' as fact_type,
        first_entry_date as business_date,
        {{ row_digest(['source', 'entity_id', 'closing_date']) }} as digest
    from {{ ref('int_ledger_years') }}
    union all
    select
        'ledger_line' as fact_type,
        lines.entry_date as business_date,
        {{ row_digest([
            'lines.source', 'lines.entity_id', 'lines.closing_date', 'lines.ledger_account',
            'lines.signed_amount'
        ]) }} as digest
    from {{ ref('int_ledger_lines') }} as lines
    inner join {{ ref('int_ledger_accounts') }} as accounts
        on
            lines.source = accounts.source
            and lines.entity_id = accounts.entity_id
            and lines.ledger_account = accounts.ledger_account
            and accounts.is_receivable
    union all
    select
        'entity' as fact_type,
        cast('0001-01-01' as date) as business_date,
        {{ row_digest(['entity_id', 'base_currency', 'minor_units']) }} as digest
    from {{ ref('int_entities') }}
    union all
    select
        'policy' as fact_type,
        cast('0001-01-01' as date) as business_date,
        {{ row_digest(['entity_id', 'policy', 'policy_value']) }} as digest
    from {{ ref('int_policies') }}
    union all
    select
        'home_policy' as fact_type,
        cast('0001-01-01' as date) as business_date,
        {{ row_digest(['policy', 'policy_value']) }} as digest
    from {{ ref('int_home_policies') }}
),

final as (
    select
        fact_type,
        business_date,
        count(*) as fact_count,
        sum(digest) as digest
    from facts
    group by fact_type, business_date
)

select * from final
