-- grain: one row per kind of fact and business day
-- What the figures of a past date rest on, as one number per day: where two builds have the same
-- numbers up to a date, they show the same of it (int_carried_dates). A fact stands on the first
-- day that it can matter to; what ends stands on the day of its end as well, so that closing a
-- dispute today leaves the past alone. What holds for every day stands on the first of all days.
with first_days as (
    select
        customer_id,
        min(booking_date) as first_date
    from {{ ref('fct_items') }}
    group by customer_id
),

facts as (
    select
        'item' as fact_type,
        booking_date as business_date,
        {{ row_digest([
            'open_item_id', 'document_id', 'source', 'entity_id', 'customer_id', 'item_type',
            'origin', 'instalment_no', 'is_split', 'document_number', 'issue_date', 'due_date',
            'currency_code', 'original_amount', 'exchange_rate', 'company_currency_code',
            'company_minor_units', 'ledger_account', 'is_doubtful'
        ]) }} as digest
    from {{ ref('fct_items') }}
    union all
    select
        'movement' as fact_type,
        movement_date as business_date,
        {{ row_digest([
            'open_item_id', 'customer_id', 'movement_type', 'amount', 'company_amount'
        ]) }} as digest
    from {{ ref('fct_receivable_movements') }}
    union all
    select
        'settlement' as fact_type,
        in_force_from as business_date,
        {{ row_digest([
            'settlement_id', 'settlement_type', 'credit_item_id', 'open_item_id', 'effective_date',
            'amount', 'company_amount'
        ]) }} as digest
    from {{ ref('fct_invoice_settlements') }}
    union all
    select
        'settlement_end' as fact_type,
        in_force_to as business_date,
        {{ row_digest([
            'settlement_id', 'settlement_type', 'credit_item_id', 'open_item_id', 'effective_date',
            'in_force_from', 'amount', 'company_amount'
        ]) }} as digest
    from {{ ref('fct_invoice_settlements') }}
    where in_force_to is not null
    union all
    select
        'revenue' as fact_type,
        booking_date as business_date,
        {{ row_digest([
            'document_id', 'entity_id', 'customer_id', 'document_type', 'amount_incl_tax',
            'amount_excl_tax', 'exchange_rate', 'counts_as_revenue'
        ]) }} as digest
    from {{ ref('fct_documents') }}
    union all
    select
        'moved_revenue' as fact_type,
        effective_date as business_date,
        {{ row_digest([
            'document_key', 'invoice_key', 'customer_id', 'from_date', 'to_date',
            'credited_company_amount'
        ]) }} as digest
    from {{ ref('int_moved_credit_notes') }}
    union all
    select
        'document_scope' as fact_type,
        documents.booking_date as business_date,
        {{ row_digest(['scopes.document_key', 'scopes.scope_type', 'scopes.scope_value']) }}
            as digest
    from {{ ref('int_document_scopes') }} as scopes
    inner join {{ ref('fct_documents') }} as documents
        on scopes.document_key = documents.document_id
    union all
    select
        'state' as fact_type,
        opened_on as business_date,
        {{ row_digest(['state_id', 'document_id', 'state_type', 'amount']) }} as digest
    from {{ ref('fct_item_states') }}
    union all
    select
        'state_end' as fact_type,
        closed_on as business_date,
        {{ row_digest(['state_id', 'document_id', 'state_type', 'amount', 'opened_on']) }} as digest
    from {{ ref('fct_item_states') }}
    where closed_on is not null
    union all
    select
        'customer_scope' as fact_type,
        first_days.first_date as business_date,
        {{ row_digest([
            'scopes.customer_id', 'scopes.scope_type', 'scopes.scope_value',
            'scopes.company_currency_code'
        ]) }} as digest
    from {{ ref('int_scopes') }} as scopes
    inner join first_days
        on scopes.customer_id = first_days.customer_id
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
