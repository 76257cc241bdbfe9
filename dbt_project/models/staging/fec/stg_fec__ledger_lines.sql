-- grain: one row per line of a FEC file that stands for its entity and year
-- A table, unlike other staging models: five models read it, and giving a million lines their
-- types once is most of their cost.
{{ config(materialized='table', post_hook="{{ gather_statistics(this) }}") }}

with ledger_files as (
    select
        snapshot_id,
        entity_id,
        closing_date,
        part,
        file_name,
        extracted_at
    from {{ ref('stg_fec__ledger_files') }}
),

-- The reader writes an empty text where the file says nothing.
ledger_lines as (
    select
        snapshot_id,
        line_no,
        nullif(journal_code, '') as journal_code,
        nullif(journal_label, '') as journal_label,
        nullif(entry_number, '') as entry_number,
        nullif(entry_date, '') as entry_date,
        nullif(account, '') as account,
        nullif(account_label, '') as account_label,
        nullif(auxiliary, '') as auxiliary,
        nullif(auxiliary_label, '') as auxiliary_label,
        nullif(piece_ref, '') as piece_ref,
        nullif(piece_date, '') as piece_date,
        nullif(debit, '') as debit,
        nullif(credit, '') as credit,
        nullif(lettering, '') as lettering,
        nullif(due_date, '') as due_date
    from {{ source('raw_fec', 'ledger_lines') }}
),

final as (
    select
        ledger_files.entity_id,
        ledger_files.closing_date,
        ledger_files.part,
        ledger_files.file_name,
        ledger_lines.line_no,
        ledger_lines.journal_code,
        ledger_lines.journal_label,
        ledger_lines.entry_number,
        cast(ledger_lines.entry_date as date) as entry_date,
        ledger_lines.account as ledger_account,
        ledger_lines.auxiliary,
        ledger_lines.auxiliary_label,
        ledger_lines.account_label,
        ledger_lines.piece_ref,
        cast(ledger_lines.piece_date as date) as piece_date,
        -- The empty side of an entry is zero.
        coalesce(cast(ledger_lines.debit as numeric), 0)
        - coalesce(cast(ledger_lines.credit as numeric), 0)
            as signed_amount,
        ledger_lines.lettering,
        cast(ledger_lines.due_date as date) as due_date,
        ledger_files.extracted_at as known_at
    from ledger_files
    inner join ledger_lines
        on ledger_files.snapshot_id = ledger_lines.snapshot_id
)

select * from final
