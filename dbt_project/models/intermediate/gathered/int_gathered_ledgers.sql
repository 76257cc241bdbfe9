-- grain: one row per fiscal year of a ledger (or part of its file) and source
-- Of a FEC each year stands alone. In a tool that keeps the books a year goes on from the one
-- before as long as that is not closed.
with final as (
    select
        'fec' as source,
        entity_id,
        closing_date,
        part,
        siren,
        file_name,
        line_count,
        first_entry_date,
        last_entry_date,
        total_debit,
        total_credit,
        false as is_continuous,
        extracted_at
    from {{ ref('stg_fec__ledger_files') }}
    union all
    select
        'cegid_loop' as source,
        entity_id,
        closing_date,
        part,
        siren,
        file_name,
        line_count,
        first_entry_date,
        last_entry_date,
        total_debit,
        total_credit,
        true as is_continuous,
        extracted_at
    from {{ ref('stg_cegid_loop__ledgers') }}
)

select * from final
