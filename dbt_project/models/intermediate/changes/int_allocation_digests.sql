-- grain: one row per source, entity and customer of which there are allocations
-- An allocation between two customers, which is refused, stands under both and is counted under
-- one.
with documents as (
    select
        source,
        entity_id,
        source_document_id,
        coalesce(source_customer_id, '') as source_customer_id
    from {{ ref('int_gathered_documents') }}
),

payments as (
    select
        source,
        entity_id,
        source_payment_id,
        coalesce(source_customer_id, '') as source_customer_id
    from {{ ref('int_gathered_payments') }}
),

-- What a refund pays out is found by its refund, if it is no document.
allocations as (
    select
        allocations.source,
        allocations.entity_id,
        targets.source_customer_id as target_customer_id,
        coalesce(payments.source_customer_id, credit_notes.source_customer_id)
            as credit_customer_id,
        allocations.reversed_on,
        {{ row_digest([
            'allocations.source_allocation_id', 'allocations.source_type',
            'allocations.source_id', 'allocations.source_document_id',
            'allocations.instalment_no', 'allocations.amount', 'allocations.reversed_on',
            'allocations.is_estimated'
        ]) }} as digest
    from {{ ref('int_gathered_allocations') }} as allocations
    left join payments
        on
            allocations.source_type = 'payment'
            and allocations.source = payments.source
            and allocations.entity_id = payments.entity_id
            and allocations.source_id = payments.source_payment_id
    left join documents as credit_notes
        on
            allocations.source_type = 'credit_note'
            and allocations.source = credit_notes.source
            and allocations.entity_id = credit_notes.entity_id
            and allocations.source_id = credit_notes.source_document_id
    left join documents as targets
        on
            allocations.source = targets.source
            and allocations.entity_id = targets.entity_id
            and allocations.source_document_id = targets.source_document_id
),

sides as (
    select
        source,
        entity_id,
        coalesce(target_customer_id, credit_customer_id, '') as source_customer_id,
        1 as row_count,
        reversed_on,
        digest
    from allocations
    union all
    select
        source,
        entity_id,
        credit_customer_id as source_customer_id,
        0 as row_count,
        reversed_on,
        digest
    from allocations
    where credit_customer_id <> target_customer_id
),

final as (
    select
        source,
        entity_id,
        source_customer_id,
        sum(row_count) as row_count,
        max(reversed_on) as last_effect_date,
        sum(digest) as digest
    from sides
    group by source, entity_id, source_customer_id
)

select * from final
