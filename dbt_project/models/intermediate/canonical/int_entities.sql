-- grain: one row per legal entity
-- A FEC is kept in euros by law; flat files without an `entities` file are one entity in euros.
with ledger_entities as (
    select
        entity_id,
        max(siren) as siren
    from {{ ref('stg_fec__ledger_files') }}
    group by entity_id
),

document_entities as (
    select distinct entity_id
    from {{ ref('stg_files__documents') }}
),

entities as (
    select
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone
    from {{ ref('stg_files__entities') }}
),

known_ids as (
    select entity_id from ledger_entities
    union
    select entity_id from document_entities
    union
    select entity_id from entities
),

named as (
    select
        known_ids.entity_id,
        coalesce(entities.entity_name, known_ids.entity_id) as entity_name,
        coalesce(entities.siren, ledger_entities.siren) as siren,
        coalesce(entities.base_currency, 'EUR') as base_currency,
        coalesce(entities.time_zone, 'Europe/Paris') as time_zone
    from known_ids
    left join entities
        on known_ids.entity_id = entities.entity_id
    left join ledger_entities
        on known_ids.entity_id = ledger_entities.entity_id
),

final as (
    select
        named.entity_id,
        named.entity_name,
        named.siren,
        named.base_currency,
        named.time_zone,
        coalesce(currencies.minor_units, 2) as minor_units
    from named
    left join {{ ref('currencies') }} as currencies
        on named.base_currency = currencies.currency_code
)

select * from final
