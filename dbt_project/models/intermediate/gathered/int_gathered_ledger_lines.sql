-- grain: one row per line of a ledger and source
-- A FEC says of no journal that it opens a year, and its lettering codes begin anew each year.
with final as (
    select
        'fec' as source,
        entity_id,
        closing_date,
        part,
        line_no,
        journal_code,
        journal_label,
        cast(null as boolean) as is_opening_journal,
        entry_number,
        entry_date,
        ledger_account,
        account_label,
        auxiliary,
        auxiliary_label,
        piece_ref,
        piece_date,
        signed_amount,
        lettering,
        closing_date as lettering_closing_date,
        due_date,
        known_at,
        known_at as lettering_known_at
    from {{ ref('stg_fec__ledger_lines') }}
    union all
    select
        'cegid_loop' as source,
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
        account_label,
        auxiliary,
        auxiliary_label,
        piece_ref,
        piece_date,
        signed_amount,
        lettering,
        lettering_closing_date,
        due_date,
        known_at,
        lettering_known_at
    from {{ ref('stg_cegid_loop__ledger_lines') }}
)

select * from final
