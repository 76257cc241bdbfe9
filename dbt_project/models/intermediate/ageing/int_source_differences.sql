-- grain: one row per document of which its source says that another amount is open
-- What a source has open it has open today: it is compared only where the as-of date is not before
-- the day on which the source was last read, in the time of the entity.
with documents as (
    select
        source,
        document_id as document_key,
        entity_id,
        source_document_id,
        document_type,
        currency_code,
        source_open_amount
    from {{ ref('fct_documents') }}
    where
        source_open_amount is not null
        and booking_date <= {{ as_of_date() }}
),

sources_read as (
    select
        readings.source,
        readings.entity_id,
        readings.last_read_at,
        entities.time_zone
    from {{ ref('int_gathered_readings') }} as readings
    inner join {{ ref('int_entities') }} as entities
        on readings.entity_id = entities.entity_id
),

open_documents as (
    select
        document_id,
        sum(open_amount) as open_amount
    from {{ ref('fct_open_items') }}
    where item_type in ('invoice', 'credit_note')
    group by document_id
),

compared as (
    select
        documents.source,
        documents.document_key,
        documents.entity_id,
        documents.source_document_id,
        documents.currency_code,
        documents.source_open_amount,
        -- What is not among the open items is settled: nothing is open.
        case documents.document_type
            when 'credit_note' then -coalesce(open_documents.open_amount, 0)
            else coalesce(open_documents.open_amount, 0)
        end as open_amount,
        sources_read.last_read_at
    from documents
    inner join sources_read
        on
            documents.source = sources_read.source
            and documents.entity_id = sources_read.entity_id
    left join open_documents
        on documents.document_key = open_documents.document_id
    where
        -- Asked of these documents alone: a company whose files name no real time zone has none.
        case
            when documents.source_open_amount is not null
                then {{ day_in_zone('sources_read.last_read_at', 'sources_read.time_zone') }}
        end <= {{ as_of_date() }}
),

final as (
    select
        source,
        document_key,
        entity_id,
        source_document_id,
        currency_code,
        source_open_amount,
        open_amount,
        last_read_at
    from compared
    where source_open_amount <> open_amount
)

select * from final
