-- Rule: an open invoice is disputed, in collection or in litigation at the as-of date when its
-- source delivered a dispute or case that is in force then, and not otherwise. Source: contracts,
-- section 2; a dispute that was closed and is still shown keeps collectors from asking. An
-- entity of which a row was refused is left out: that holds by itself.
with refused_entities as (
    select entity_id
    from {{ ref('int_refused_rows') }}
    where entity_id is not null
    group by entity_id
),

disputes as (
    select
        source,
        entity_id,
        source_document_id
    from {{ ref('int_gathered_disputes') }}
    where
        opened_on <= {{ as_of_date() }}
        and (closed_on is null or closed_on > {{ as_of_date() }})
        and (amount is null or amount > 0)
    group by source, entity_id, source_document_id
),

cases as (
    select
        source,
        entity_id,
        source_document_id,
        max(stage) as collection_stage
    from {{ ref('int_gathered_collection_cases') }}
    where
        opened_on <= {{ as_of_date() }}
        and (closed_on is null or closed_on > {{ as_of_date() }})
    group by source, entity_id, source_document_id
),

open_invoices as (
    select
        source,
        entity_id,
        source_document_id,
        bool_or(is_disputed) as is_disputed,
        max(collection_stage) as collection_stage
    from {{ ref('fct_open_items') }}
    where item_type = 'invoice'
    group by source, entity_id, source_document_id
)

select
    open_invoices.source,
    open_invoices.entity_id,
    open_invoices.source_document_id,
    open_invoices.is_disputed,
    disputes.source_document_id is not null as has_dispute,
    open_invoices.collection_stage,
    cases.collection_stage as delivered_stage
from open_invoices
left join disputes
    on
        open_invoices.source = disputes.source
        and open_invoices.entity_id = disputes.entity_id
        and open_invoices.source_document_id = disputes.source_document_id
left join cases
    on
        open_invoices.source = cases.source
        and open_invoices.entity_id = cases.entity_id
        and open_invoices.source_document_id = cases.source_document_id
left join refused_entities
    on open_invoices.entity_id = refused_entities.entity_id
where
    refused_entities.entity_id is null
    and (
        open_invoices.is_disputed <> (disputes.source_document_id is not null)
        or open_invoices.collection_stage is distinct from cases.collection_stage
    )
