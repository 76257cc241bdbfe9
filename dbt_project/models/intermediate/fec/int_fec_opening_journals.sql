-- grain: one row per journal of a FEC that brings balances forward
-- Journal codes are free. A journal opens the year when its code or label says so, or when all
-- its lines stand on the first day of the ledger, on balance-sheet accounts, capital among them.
with journals as (
    select
        entity_id,
        closing_date,
        journal_code,
        max(upper(coalesce(journal_label, ''))) as journal_label,
        min(entry_date) as first_date,
        max(entry_date) as last_date,
        max(case when ledger_account like '6%' or ledger_account like '7%' then 1 else 0 end)
            as touches_income,
        max(case when ledger_account like '10%' then 1 else 0 end) as touches_capital
    from {{ ref('int_fec_lines') }}
    group by entity_id, closing_date, journal_code
),

ledgers as (
    select
        entity_id,
        closing_date,
        min(first_date) as first_date
    from journals
    group by entity_id, closing_date
),

final as (
    select
        journals.entity_id,
        journals.closing_date,
        journals.journal_code,
        journals.first_date as opening_date
    from journals
    inner join ledgers
        on
            journals.entity_id = ledgers.entity_id
            and journals.closing_date = ledgers.closing_date
    left join {{ ref('opening_journals') }} as opening_journals
        on upper(journals.journal_code) = opening_journals.journal_code
    where
        opening_journals.journal_code is not null
        or journals.journal_label like '%NOUVEAU%'
        or (
            journals.first_date = ledgers.first_date
            and journals.last_date = ledgers.first_date
            and journals.touches_income = 0
            and journals.touches_capital = 1
        )
)

select * from final
