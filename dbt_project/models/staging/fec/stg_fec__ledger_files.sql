-- grain: one row per FEC file (or part of a split file) that stands for its entity and year
-- A FEC is restated as a whole: the last delivery of a closing date replaces the former ones. A
-- file that starts as early and closes later covers the shorter one whole: an export made during
-- the year gives way to the export of the year.
with deliveries as (
    select
        snapshot_id,
        entity_id,
        payload,
        extracted_at,
        cast({{ json_text('payload', 'closing_date') }} as date) as closing_date,
        cast({{ json_text('payload', 'first_entry_date') }} as date) as first_entry_date,
        cast({{ json_text('payload', 'last_entry_date') }} as date) as last_entry_date,
        max(extracted_at) over (
            partition by entity_id, {{ json_text('payload', 'closing_date') }}
        ) as last_extracted_at
    from {{ source('raw_fec', 'ledger_files') }}
    where extracted_at <= {{ known_on() }}
),

latest as (
    select *
    from deliveries
    where extracted_at = last_extracted_at
),

periods as (
    select
        entity_id,
        closing_date,
        min(first_entry_date) as first_entry_date
    from latest
    group by entity_id, closing_date
),

covered as (
    select distinct
        shorter.entity_id,
        shorter.closing_date
    from periods as shorter
    inner join periods as longer
        on
            shorter.entity_id = longer.entity_id
            and shorter.closing_date < longer.closing_date
            and shorter.first_entry_date >= longer.first_entry_date
),

final as (
    select
        latest.snapshot_id,
        latest.entity_id,
        latest.closing_date,
        cast({{ json_text('latest.payload', 'part') }} as integer) as part,
        {{ json_text('latest.payload', 'siren') }} as siren,
        {{ json_text('latest.payload', 'file_name') }} as file_name,
        cast({{ json_text('latest.payload', 'line_count') }} as bigint) as line_count,
        latest.first_entry_date,
        latest.last_entry_date,
        cast({{ json_text('latest.payload', 'total_debit') }} as numeric) as total_debit,
        cast({{ json_text('latest.payload', 'total_credit') }} as numeric) as total_credit,
        latest.extracted_at
    from latest
    left join covered
        on
            latest.entity_id = covered.entity_id
            and latest.closing_date = covered.closing_date
    where covered.closing_date is null
)

select * from final
