-- grain: one row per ledger line
-- Gives each line its entry. EcritureNum restarts in each journal, and some packages write one
-- number on every line: then an entry is the shortest run of lines that balances.
with ledger_lines as (
    select
        source,
        entity_id,
        closing_date,
        part,
        line_no,
        journal_code,
        journal_label,
        is_opening_journal,
        entry_number,
        entry_date,
        ledger_account,
        signed_amount
    from {{ ref('int_gathered_ledger_lines') }}
),

numbering as (
    select
        source,
        entity_id,
        closing_date,
        min(entry_number) is distinct from max(entry_number) as has_entry_numbers
    from ledger_lines
    group by source, entity_id, closing_date
),

balances as (
    select
        ledger_lines.*,
        numbering.has_entry_numbers,
        sum(ledger_lines.signed_amount) over (
            partition by
                ledger_lines.source, ledger_lines.entity_id, ledger_lines.closing_date
            order by ledger_lines.part, ledger_lines.line_no
        ) as running_balance
    from ledger_lines
    inner join numbering
        on
            ledger_lines.source = numbering.source
            and ledger_lines.entity_id = numbering.entity_id
            and ledger_lines.closing_date = numbering.closing_date
),

runs as (
    select
        balances.*,
        count(case when running_balance = 0 then 1 end) over (
            partition by source, entity_id, closing_date
            order by part, line_no
            rows between unbounded preceding and 1 preceding
        ) as balanced_runs_before
    from balances
),

final as (
    select
        runs.source,
        runs.entity_id,
        runs.closing_date,
        runs.part,
        runs.line_no,
        case
            when runs.has_entry_numbers
                then {{ surrogate_key([
                    'runs.journal_code', 'runs.entry_number', 'runs.entry_date'
                ]) }}
            else {{ surrogate_key(["'run'", 'runs.balanced_runs_before']) }}
        end as entry_key,
        runs.journal_code,
        runs.journal_label,
        runs.is_opening_journal,
        runs.entry_date,
        runs.ledger_account,
        accounts.account_role,
        accounts.is_receivable,
        runs.signed_amount
    from runs
    inner join {{ ref('int_ledger_accounts') }} as accounts
        on
            runs.source = accounts.source
            and runs.entity_id = accounts.entity_id
            and runs.ledger_account = accounts.ledger_account
)

select * from final
