-- grain: one row per source, entity, customer and stream
-- Everything that sources say of a customer, as one number: where two builds have the same number,
-- the same follows of it. When it became known is left out: what is delivered again as it was
-- changes nothing, and the same books have the same numbers wherever they are loaded. What names no
-- customer stands under the empty one.
-- A view: the two parts are worked out beside each other and stored.
{{ config(materialized='view') }}

with final as (
    select
        source,
        entity_id,
        source_customer_id,
        stream,
        row_count,
        first_business_date,
        last_business_date,
        last_effect_date,
        digest
    from {{ ref('int_record_digests') }}
    union all
    select
        source,
        entity_id,
        source_customer_id,
        'allocations' as stream,
        row_count,
        cast(null as date) as first_business_date,
        cast(null as date) as last_business_date,
        last_effect_date,
        digest
    from {{ ref('int_allocation_digests') }}
)

select * from final
