-- grain: one row per fiscal year of an entity (all parts of a split file together)
with ledger_files as (
    select
        entity_id,
        closing_date,
        min(file_name) as file_name,
        max(siren) as siren,
        sum(line_count) as line_count,
        min(first_entry_date) as first_entry_date,
        max(last_entry_date) as last_entry_date,
        sum(total_debit) as total_debit,
        sum(total_credit) as total_credit,
        max(extracted_at) as extracted_at
    from {{ ref('stg_fec__ledger_files') }}
    group by entity_id, closing_date
),

lettered_lines as (
    select
        ledger_lines.entity_id,
        count(ledger_lines.lettering) as lettered_line_count
    from {{ ref('stg_fec__ledger_lines') }} as ledger_lines
    inner join {{ ref('int_fec_accounts') }} as accounts
        on
            ledger_lines.entity_id = accounts.entity_id
            and ledger_lines.ledger_account = accounts.ledger_account
            and accounts.is_receivable
    group by ledger_lines.entity_id
),

openings as (
    select
        entity_id,
        closing_date,
        min(opening_date) as opening_date
    from {{ ref('int_fec_opening_journals') }}
    group by entity_id, closing_date
),

sequence as (
    select
        ledger_files.*,
        openings.opening_date,
        lag(ledger_files.closing_date) over (
            partition by ledger_files.entity_id
            order by ledger_files.closing_date
        ) as previous_closing_date
    from ledger_files
    left join openings
        on
            ledger_files.entity_id = openings.entity_id
            and ledger_files.closing_date = openings.closing_date
),

final as (
    select
        sequence.entity_id,
        sequence.closing_date,
        sequence.file_name,
        sequence.siren,
        sequence.line_count,
        sequence.first_entry_date,
        sequence.last_entry_date,
        sequence.opening_date,
        sequence.previous_closing_date,
        -- The opening of a year repeats the closing of the year before: 40 days allow for a year
        -- whose opening entries carry a later date than its first day.
        coalesce(
            sequence.previous_closing_date >= {{ add_days('sequence.opening_date', -40) }},
            false
        ) as has_predecessor,
        sequence.total_debit,
        sequence.total_credit,
        sequence.total_debit = sequence.total_credit as is_balanced,
        coalesce(lettered_lines.lettered_line_count, 0) > 0 as has_lettering,
        case
            when coalesce(lettered_lines.lettered_line_count, 0) = 0 then 'fifo'
            else entity_policies.fec_matching
        end as matching,
        sequence.extracted_at
    from sequence
    inner join {{ ref('int_entity_policies') }} as entity_policies
        on sequence.entity_id = entity_policies.entity_id
    left join lettered_lines
        on sequence.entity_id = lettered_lines.entity_id
)

select * from final
