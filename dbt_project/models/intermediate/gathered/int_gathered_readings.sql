-- grain: one row per entity and source
with final as (
    select
        'files' as source,
        {{ json_text('payload', 'entity_id') }} as entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_files', 'deliveries') }}
    where extracted_at <= {{ known_on() }}
    group by {{ json_text('payload', 'entity_id') }}
    union all
    select
        'cegid_loop' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_cegid_loop', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'dolibarr' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_dolibarr', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'erpnext' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_erpnext', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'odoo' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_odoo', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'pennylane' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_pennylane', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'quickbooks' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_quickbooks', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'sage_100' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_sage_100', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'sage_accounting' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_sage_accounting', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'sage_intacct' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_sage_intacct', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
    union all
    select
        'xero' as source,
        entity_id,
        max(extracted_at) as last_read_at
    from {{ source('raw_xero', 'readings') }}
    where extracted_at <= {{ known_on() }}
    group by entity_id
)

select * from final
