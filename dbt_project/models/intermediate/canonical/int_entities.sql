-- grain: one row per legal entity
-- A French ledger is kept in euros by law; flat files without an `entities` file are one entity in
-- euros.
-- What the company says of an entity in its own files goes before what an accounting tool says.
with ledger_entities as (
    select
        entity_id,
        max(siren) as siren
    from {{ ref('int_gathered_ledgers') }}
    group by entity_id
),

document_entities as (
    select distinct entity_id
    from {{ ref('int_stream_digests') }}
    where stream = 'documents'
),

ranked_entities as (
    select
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone,
        row_number() over (
            partition by entity_id
            order by case source when 'files' then 0 else 1 end, source
        ) as source_rank
    from {{ ref('int_gathered_entities') }}
),

entities as (
    select
        entity_id,
        entity_name,
        siren,
        base_currency,
        time_zone
    from ranked_entities
    where source_rank = 1
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
