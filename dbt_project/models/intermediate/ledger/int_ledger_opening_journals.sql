-- grain: one row per journal of a fiscal year that brings balances forward
-- Some tools say it of a journal. In a FEC codes are free: a journal opens the year when its code
-- or label says so, or when all its lines stand on the first day of the ledger, on balance-sheet
-- accounts, capital among them.
with journals as (
    select
        source,
        entity_id,
        closing_date,
        journal_code,
        max(case when is_opening_journal then 1 when not is_opening_journal then 0 end)
            as is_said_to_open,
        max(upper(coalesce(journal_label, ''))) as journal_label,
        min(entry_date) as first_date,
        max(entry_date) as last_date,
        max(case when ledger_account like '6%' or ledger_account like '7%' then 1 else 0 end)
            as touches_income,
        max(case when ledger_account like '10%' then 1 else 0 end) as touches_capital
    from {{ ref('int_ledger_lines') }}
    group by source, entity_id, closing_date, journal_code
),

ledgers as (
    select
        source,
        entity_id,
        closing_date,
        min(first_date) as first_date
    from journals
    group by source, entity_id, closing_date
),

final as (
    select
        journals.source,
        journals.entity_id,
        journals.closing_date,
        journals.journal_code,
        journals.first_date as opening_date
    from journals
    inner join ledgers
        on
            journals.source = ledgers.source
            and journals.entity_id = ledgers.entity_id
            and journals.closing_date = ledgers.closing_date
    left join {{ ref('opening_journals') }} as opening_journals
        on upper(journals.journal_code) = opening_journals.journal_code
    where
        journals.is_said_to_open = 1
        or (
            journals.is_said_to_open is null
            and (
                opening_journals.journal_code is not null
                or journals.journal_label like '%NOUVEAU%'
                or (
                    journals.first_date = ledgers.first_date
                    and journals.last_date = ledgers.first_date
                    and journals.touches_income = 0
                    and journals.touches_capital = 1
                )
            )
        )
)

select * from final
