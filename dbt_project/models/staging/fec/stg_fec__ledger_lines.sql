-- grain: one row per line of a FEC file that stands for its entity and year
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

ledger_lines as (
    select
        snapshot_id,
        line_no,
        payload
    from {{ source('raw_fec', 'ledger_lines') }}
),

final as (
    select
        ledger_files.entity_id,
        ledger_files.closing_date,
        ledger_files.part,
        ledger_files.file_name,
        ledger_lines.line_no,
        {{ json_text('ledger_lines.payload', 'journal_code') }} as journal_code,
        {{ json_text('ledger_lines.payload', 'journal_label') }} as journal_label,
        {{ json_text('ledger_lines.payload', 'entry_number') }} as entry_number,
        cast({{ json_text('ledger_lines.payload', 'entry_date') }} as date) as entry_date,
        {{ json_text('ledger_lines.payload', 'account') }} as ledger_account,
        {{ json_text('ledger_lines.payload', 'auxiliary') }} as auxiliary,
        {{ json_text('ledger_lines.payload', 'auxiliary_label') }} as auxiliary_label,
        {{ json_text('ledger_lines.payload', 'account_label') }} as account_label,
        {{ json_text('ledger_lines.payload', 'piece_ref') }} as piece_ref,
        cast({{ json_text('ledger_lines.payload', 'piece_date') }} as date) as piece_date,
        -- The reader leaves out empty values: an empty side of an entry is zero.
        coalesce(cast({{ json_text('ledger_lines.payload', 'debit') }} as numeric), 0)
        - coalesce(cast({{ json_text('ledger_lines.payload', 'credit') }} as numeric), 0)
            as signed_amount,
        {{ json_text('ledger_lines.payload', 'lettering') }} as lettering,
        cast({{ json_text('ledger_lines.payload', 'due_date') }} as date) as due_date,
        ledger_files.extracted_at as known_at
    from ledger_files
    inner join ledger_lines
        on ledger_files.snapshot_id = ledger_lines.snapshot_id
)

select * from final
