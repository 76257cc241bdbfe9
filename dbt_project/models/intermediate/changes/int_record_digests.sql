-- grain: one row per source, entity, customer and stream of which there is anything but allocations
-- Each kind of rows is added up by itself: all together they would be sorted.
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

customers as (
    select
        source,
        entity_id,
        source_customer_id,
        {{ row_digest([
            'source_customer_id', 'customer_name', 'siren', 'vat_number', 'country_code',
            'sector', 'region', 'size_band', 'payment_terms', 'portfolio',
            'source_parent_customer_id', 'credit_limit_amount', 'custom_attributes'
        ]) }} as digest
    from {{ ref('int_gathered_customers') }}
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

owned_rows as (
    select
        rows_of_documents.stream,
        rows_of_documents.source,
        rows_of_documents.entity_id,
        coalesce(documents.source_customer_id, rows_of_documents.source_customer_id, '')
            as source_customer_id,
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
        'customers' as stream,
        count(*) as row_count,
        cast(null as date) as first_business_date,
        cast(null as date) as last_business_date,
        cast(null as date) as last_effect_date,
        sum(digest) as digest
    from customers
    group by source, entity_id, source_customer_id
    union all
    select
        source,
        entity_id,
        source_customer_id,
        'documents' as stream,
        count(*) as row_count,
        min(issue_date) as first_business_date,
        max(issue_date) as last_business_date,
        max(issue_date) as last_effect_date,
        sum(digest) as digest
    from documents
    group by source, entity_id, source_customer_id
    union all
    select
        source,
        entity_id,
        source_customer_id,
        'payments' as stream,
        count(*) as row_count,
        min(payment_date) as first_business_date,
        max(payment_date) as last_business_date,
        max(payment_date) as last_effect_date,
        sum(digest) as digest
    from payments
    group by source, entity_id, source_customer_id
    union all
    select
        source,
        entity_id,
        source_customer_id,
        stream,
        count(*) as row_count,
        min(business_date) as first_business_date,
        max(business_date) as last_business_date,
        max(last_effect_date) as last_effect_date,
        sum(digest) as digest
    from owned_rows
    group by source, entity_id, source_customer_id, stream
)

select * from final
