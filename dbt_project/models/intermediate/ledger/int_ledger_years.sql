-- grain: one row per fiscal year of an entity (all parts of a split file together)
with ledgers as (
    select
        source,
        entity_id,
        closing_date,
        min(file_name) as file_name,
        max(siren) as siren,
        sum(line_count) as line_count,
        min(first_entry_date) as first_entry_date,
        max(last_entry_date) as last_entry_date,
        sum(total_debit) as total_debit,
        sum(total_credit) as total_credit,
        max(case when is_continuous then 1 else 0 end) = 1 as is_continuous,
        max(extracted_at) as extracted_at
    from {{ ref('int_gathered_ledgers') }}
    group by source, entity_id, closing_date
),

lettered_lines as (
    select
        ledger_lines.source,
        ledger_lines.entity_id,
        count(ledger_lines.lettering) as lettered_line_count
    from {{ ref('int_gathered_ledger_lines') }} as ledger_lines
    inner join {{ ref('int_ledger_accounts') }} as accounts
        on
            ledger_lines.source = accounts.source
            and ledger_lines.entity_id = accounts.entity_id
            and ledger_lines.ledger_account = accounts.ledger_account
            and accounts.is_receivable
    group by ledger_lines.source, ledger_lines.entity_id
),

openings as (
    select
        source,
        entity_id,
        closing_date,
        min(opening_date) as opening_date
    from {{ ref('int_ledger_opening_journals') }}
    group by source, entity_id, closing_date
),

sequence as (
    select
        ledgers.*,
        openings.opening_date,
        lag(ledgers.closing_date) over (
            partition by ledgers.source, ledgers.entity_id
            order by ledgers.closing_date
        ) as previous_closing_date
    from ledgers
    left join openings
        on
            ledgers.source = openings.source
            and ledgers.entity_id = openings.entity_id
            and ledgers.closing_date = openings.closing_date
),

opened as (
    select
        sequence.*,
        -- The opening of a year repeats the closing of the year before: 40 days allow for a year
        -- whose opening entries carry a later date than its first day.
        coalesce(
            sequence.previous_closing_date >= {{ add_days('sequence.opening_date', -40) }},
            false
        ) as has_predecessor
    from sequence
),

final as (
    select
        opened.source,
        opened.entity_id,
        opened.closing_date,
        opened.file_name,
        opened.siren,
        opened.line_count,
        opened.first_entry_date,
        opened.last_entry_date,
        opened.opening_date,
        opened.previous_closing_date,
        opened.has_predecessor,
        -- The first of the years whose lines make up its balances.
        case
            when opened.is_continuous
                then coalesce(
                    max(case when opened.has_predecessor then opened.closing_date end) over (
                        partition by opened.source, opened.entity_id
                        order by opened.closing_date
                    ),
                    min(opened.closing_date) over (
                        partition by opened.source, opened.entity_id
                    )
                )
            else opened.closing_date
        end as balance_from_closing_date,
        opened.total_debit,
        opened.total_credit,
        opened.total_debit = opened.total_credit as is_balanced,
        coalesce(lettered_lines.lettered_line_count, 0) > 0 as has_lettering,
        case
            when coalesce(lettered_lines.lettered_line_count, 0) = 0 then 'fifo'
            else entity_policies.fec_matching
        end as matching,
        opened.extracted_at
    from opened
    inner join {{ ref('int_entity_policies') }} as entity_policies
        on opened.entity_id = entity_policies.entity_id
    left join lettered_lines
        on
            opened.source = lettered_lines.source
            and opened.entity_id = lettered_lines.entity_id
)

select * from final
