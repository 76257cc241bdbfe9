-- grain: one row per entity, source and stream
with fec_coverage as (
    select
        entity_id,
        'fec' as source,
        'ledger_lines' as stream,
        min(first_entry_date) as first_business_date,
        max(last_entry_date) as last_business_date,
        max(extracted_at) as last_extracted_at,
        sum(line_count) as row_count,
        max(matching) as matching
    from {{ ref('int_fec_ledgers') }}
    group by entity_id
),

last_delivery as (
    select
        {{ json_text('payload', 'entity_id') }} as entity_id,
        max(extracted_at) as last_extracted_at
    from {{ source('raw_files', 'deliveries') }}
    where extracted_at <= {{ known_on() }}
    group by {{ json_text('payload', 'entity_id') }}
),

file_streams as (
    select
        entity_id,
        'customers' as stream,
        cast(null as date) as first_business_date,
        cast(null as date) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__customers') }}
    group by entity_id
    union all
    select
        entity_id,
        'documents' as stream,
        min(issue_date) as first_business_date,
        max(issue_date) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__documents') }}
    group by entity_id
    union all
    select
        entity_id,
        'instalments' as stream,
        cast(null as date) as first_business_date,
        cast(null as date) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__instalments') }}
    group by entity_id
    union all
    select
        entity_id,
        'payments' as stream,
        min(payment_date) as first_business_date,
        max(payment_date) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__payments') }}
    group by entity_id
    union all
    select
        entity_id,
        'allocations' as stream,
        cast(null as date) as first_business_date,
        cast(null as date) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__allocations') }}
    group by entity_id
    union all
    select
        entity_id,
        'write_offs' as stream,
        min(write_off_date) as first_business_date,
        max(write_off_date) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__write_offs') }}
    group by entity_id
    union all
    select
        entity_id,
        'disputes' as stream,
        min(opened_on) as first_business_date,
        max(opened_on) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__disputes') }}
    group by entity_id
    union all
    select
        entity_id,
        'promises' as stream,
        min(recorded_on) as first_business_date,
        max(recorded_on) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__promises') }}
    group by entity_id
    union all
    select
        entity_id,
        'collection_cases' as stream,
        min(opened_on) as first_business_date,
        max(opened_on) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__collection_cases') }}
    group by entity_id
    union all
    select
        entity_id,
        'ledger_balances' as stream,
        min(balance_date) as first_business_date,
        max(balance_date) as last_business_date,
        count(*) as row_count
    from {{ ref('stg_files__ledger_balances') }}
    group by entity_id
),

file_coverage as (
    select
        file_streams.entity_id,
        'files' as source,
        file_streams.stream,
        file_streams.first_business_date,
        file_streams.last_business_date,
        last_delivery.last_extracted_at,
        file_streams.row_count,
        cast(null as text) as matching
    from file_streams
    left join last_delivery
        on file_streams.entity_id = last_delivery.entity_id
),

coverage as (
    select * from fec_coverage
    union all
    select * from file_coverage
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
