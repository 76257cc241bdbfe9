-- grain: one row per fiscal year of an entity
with readings as (
    select
        entity_id,
        max(extracted_at) as extracted_at
    from {{ source('raw_cegid_loop', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
),

final as (
    select
        lines.entity_id,
        lines.closing_date,
        1 as part,
        cast(null as text) as siren,
        'Cegid Loop' as file_name,
        count(*) as line_count,
        min(lines.entry_date) as first_entry_date,
        max(lines.entry_date) as last_entry_date,
        sum(lines.debit) as total_debit,
        sum(lines.credit) as total_credit,
        max(readings.extracted_at) as extracted_at
    from {{ ref('stg_cegid_loop__ledger_lines') }} as lines
    inner join readings
        on lines.entity_id = readings.entity_id
    group by lines.entity_id, lines.closing_date
)

select * from final
