-- grain: one row per FEC file (or part of a split file) that stands for its entity and year
-- A FEC is restated as a whole: the last delivery of a closing date replaces the former ones.
with deliveries as (
    select
        snapshot_id,
        entity_id,
        payload,
        extracted_at,
        cast({{ json_text('payload', 'closing_date') }} as date) as closing_date,
        max(extracted_at) over (
            partition by entity_id, {{ json_text('payload', 'closing_date') }}
        ) as last_extracted_at
    from {{ source('raw_fec', 'ledger_files') }}
    where extracted_at <= {{ known_on() }}
),

final as (
    select
        snapshot_id,
        entity_id,
        closing_date,
        cast({{ json_text('payload', 'part') }} as integer) as part,
        {{ json_text('payload', 'siren') }} as siren,
        {{ json_text('payload', 'file_name') }} as file_name,
        cast({{ json_text('payload', 'line_count') }} as bigint) as line_count,
        cast({{ json_text('payload', 'first_entry_date') }} as date) as first_entry_date,
        cast({{ json_text('payload', 'last_entry_date') }} as date) as last_entry_date,
        cast({{ json_text('payload', 'total_debit') }} as numeric) as total_debit,
        cast({{ json_text('payload', 'total_credit') }} as numeric) as total_credit,
        extracted_at
    from deliveries
    where extracted_at = last_extracted_at
)

select * from final
