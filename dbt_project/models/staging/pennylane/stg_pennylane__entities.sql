-- grain: one row per company, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_pennylane', 'companies') }} as versions
    where
        {{ is_latest_known('versions', source('raw_pennylane', 'companies')) }}
),

-- Whether its token may read the ledger, and the ledger is one whose accounts tell what they are.
scopes as (
    select
        latest.entity_id,
        latest.record_key
    from latest
    cross join lateral {{ json_elements(json_part('latest.payload', 'scopes')) }}
        as elements (value)
    where
        cast(elements.value as text) in ('"ledger_entries:readonly"', '"ledger_entries:all"')
        and {{ json_text('latest.payload', 'accounting_logic') }} like 'FR%'
    group by latest.entity_id, latest.record_key
),

final as (
    select
        {{ surrogate_key(['latest.entity_id', 'latest.record_key']) }} as record_key,
        cast(null as integer) as line_no,
        latest.entity_id,
        {{ json_text('latest.payload', 'name') }} as entity_name,
        -- A SIRET (14 digits) begins with the SIREN.
        case
            when length({{ json_text('latest.payload', 'reg_no') }}) = 14
                then substr({{ json_text('latest.payload', 'reg_no') }}, 1, 9)
            else nullif({{ json_text('latest.payload', 'reg_no') }}, '')
        end as siren,
        -- The specification: `amount` is in euros, whatever the company.
        'EUR' as base_currency,
        cast(null as text) as time_zone,
        scopes.record_key is not null as has_ledger,
        latest.known_at
    from latest
    left join scopes
        on
            latest.entity_id = scopes.entity_id
            and latest.record_key = scopes.record_key
    where not latest.is_deleted
)

select * from final
