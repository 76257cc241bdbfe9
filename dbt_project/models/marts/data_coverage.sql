-- grain: one row per entity, source and stream
with ledger_coverage as (
    select
        entity_id,
        source,
        'ledger_lines' as stream,
        min(first_entry_date) as first_business_date,
        max(last_entry_date) as last_business_date,
        max(extracted_at) as last_extracted_at,
        sum(line_count) as row_count,
        max(matching) as matching
    from {{ ref('int_ledger_years') }}
    group by entity_id, source
),

gathered_streams as (
    select
        entity_id,
        source,
        stream,
        min(first_business_date) as first_business_date,
        max(last_business_date) as last_business_date,
        sum(row_count) as row_count
    from {{ ref('int_stream_digests') }}
    group by entity_id, source, stream
    union all
    select
        entity_id,
        source,
        'ledger_balances' as stream,
        min(balance_date) as first_business_date,
        max(balance_date) as last_business_date,
        count(*) as row_count
    from {{ ref('int_gathered_ledger_balances') }}
    group by entity_id, source
),

gathered_coverage as (
    select
        gathered_streams.entity_id,
        gathered_streams.source,
        gathered_streams.stream,
        gathered_streams.first_business_date,
        gathered_streams.last_business_date,
        readings.last_read_at as last_extracted_at,
        gathered_streams.row_count,
        cast(null as text) as matching
    from gathered_streams
    left join {{ ref('int_gathered_readings') }} as readings
        on
            gathered_streams.source = readings.source
            and gathered_streams.entity_id = readings.entity_id
),

coverage as (
    select * from ledger_coverage
    union all
    select * from gathered_coverage
),

final as (
    select
        coverage.entity_id,
        coverage.source,
        coverage.stream,
        coverage.first_business_date,
        coverage.last_business_date,
        coverage.last_extracted_at,
        cast(coverage.row_count as bigint) as row_count,
        -- Only a stream that carries business dates can be stale.
        coalesce(
            coverage.last_business_date
            < {{ add_days(as_of_date(), '-1 * entity_policies.stale_after_days') }}
            and coverage.stream in ('ledger_lines', 'documents'),
            false
        ) as is_stale,
        coverage.matching
    from coverage
    -- Customers alone do not make an entity; what carries dates has one.
    left join {{ ref('int_entity_policies') }} as entity_policies
        on coverage.entity_id = entity_policies.entity_id
)

select * from final
