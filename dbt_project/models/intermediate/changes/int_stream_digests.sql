-- grain: one row per source, entity, customer and stream
-- Everything that sources say of a customer, as one number: where two builds have the same number,
-- the same follows of it. When it became known is left out: what is delivered again as it was
-- changes nothing, and the same books have the same numbers wherever they are loaded. What names no
-- customer stands under the empty one. An allocation between two customers, which is refused,
-- stands under both and is counted under one.
with documents as (
    select
        source,
        entity_id,
        source_document_id,
        coalesce(source_customer_id, '') as source_customer_id,
        issue_date,
        {{ row_digest([
            'source_document_id', 'document_type', 'document_number', 'issue_date', 'due_date',
            'currency_code', 'amount_incl_tax', 'amount_excl_tax', 'exchange_rate',
            'source_credited_document_id', 'status', 'custom_attributes', 'source_open_amount'
        ]) }} as digest
    from {{ ref('int_gathered_documents') }}
),

payments as (
    select
        source,
        entity_id,
        source_payment_id,
        coalesce(source_customer_id, '') as source_customer_id,
        payment_date,
        {{ row_digest([
            'source_payment_id', 'payment_type', 'payment_date', 'currency_code', 'amount',
            'exchange_rate', 'reference'
        ]) }} as digest
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

rows_of_documents as (
    select
        'instalments' as stream,
        source,
        entity_id,
        source_document_id,
        cast(null as text) as source_customer_id,
        cast(null as date) as business_date,
        cast(null as date) as last_effect_date,
        {{ row_digest(['instalment_no', 'due_date', 'amount']) }} as digest
    from {{ ref('int_gathered_instalments') }}
    union all
    select
        'write_offs' as stream,
        source,
        entity_id,
        source_document_id,
        cast(null as text) as source_customer_id,
        write_off_date as business_date,
        write_off_date as last_effect_date,
        {{ row_digest(['source_write_off_id', 'instalment_no', 'write_off_date', 'amount']) }}
            as digest
    from {{ ref('int_gathered_write_offs') }}
    union all
    select
        'disputes' as stream,
        source,
        entity_id,
        source_document_id,
        cast(null as text) as source_customer_id,
        opened_on as business_date,
        greatest(opened_on, closed_on) as last_effect_date,
        {{ row_digest(['source_dispute_id', 'amount', 'opened_on', 'closed_on']) }} as digest
    from {{ ref('int_gathered_disputes') }}
    union all
    select
        'collection_cases' as stream,
        source,
        entity_id,
        source_document_id,
        cast(null as text) as source_customer_id,
        opened_on as business_date,
        greatest(opened_on, closed_on) as last_effect_date,
        {{ row_digest(['source_case_id', 'stage', 'opened_on', 'closed_on']) }} as digest
    from {{ ref('int_gathered_collection_cases') }}
    union all
    select
        'promises' as stream,
        source,
        entity_id,
        source_document_id,
        source_customer_id,
        recorded_on as business_date,
        recorded_on as last_effect_date,
        {{ row_digest(['source_promise_id', 'amount', 'promised_date', 'recorded_on']) }}
            as digest
    from {{ ref('int_gathered_promises') }}
),

all_rows as (
    select
        'customers' as stream,
        source,
        entity_id,
        source_customer_id,
        1 as row_count,
        cast(null as date) as business_date,
        cast(null as date) as last_effect_date,
        {{ row_digest([
            'source_customer_id', 'customer_name', 'siren', 'vat_number', 'country_code',
            'sector', 'region', 'size_band', 'payment_terms', 'portfolio',
            'source_parent_customer_id', 'credit_limit_amount', 'custom_attributes'
        ]) }} as digest
    from {{ ref('int_gathered_customers') }}
    union all
    select
        'documents' as stream,
        source,
        entity_id,
        source_customer_id,
        1 as row_count,
        issue_date as business_date,
        issue_date as last_effect_date,
        digest
    from documents
    union all
    select
        'payments' as stream,
        source,
        entity_id,
        source_customer_id,
        1 as row_count,
        payment_date as business_date,
        payment_date as last_effect_date,
        digest
    from payments
    union all
    select
        'allocations' as stream,
        source,
        entity_id,
        coalesce(target_customer_id, credit_customer_id, '') as source_customer_id,
        1 as row_count,
        cast(null as date) as business_date,
        reversed_on as last_effect_date,
        digest
    from allocations
    union all
    select
        'allocations' as stream,
        source,
        entity_id,
        credit_customer_id as source_customer_id,
        0 as row_count,
        cast(null as date) as business_date,
        reversed_on as last_effect_date,
        digest
    from allocations
    where credit_customer_id <> target_customer_id
    union all
    select
        rows_of_documents.stream,
        rows_of_documents.source,
        rows_of_documents.entity_id,
        coalesce(documents.source_customer_id, rows_of_documents.source_customer_id, '')
            as source_customer_id,
        1 as row_count,
        rows_of_documents.business_date,
        rows_of_documents.last_effect_date,
        rows_of_documents.digest
    from rows_of_documents
    left join documents
        on
            rows_of_documents.source = documents.source
            and rows_of_documents.entity_id = documents.entity_id
            and rows_of_documents.source_document_id = documents.source_document_id
),

final as (
    select
        source,
        entity_id,
        source_customer_id,
        stream,
        sum(row_count) as row_count,
        min(business_date) as first_business_date,
        max(business_date) as last_business_date,
        max(last_effect_date) as last_effect_date,
        sum(digest) as digest
    from all_rows
    group by source, entity_id, source_customer_id, stream
)

select * from final
