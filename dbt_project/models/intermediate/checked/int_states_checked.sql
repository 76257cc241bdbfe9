-- grain: one row per dispute, collection case or promise of any source, with the reason why it
-- cannot be used, if any
-- Of the customers that this build works out, and what names none where it works out all.
with states as (
    select
        'disputes' as stream,
        source,
        record_key,
        line_no,
        entity_id,
        source_dispute_id as source_state_id,
        source_document_id,
        cast(null as text) as source_customer_id,
        'dispute' as state_type,
        amount,
        opened_on,
        closed_on,
        cast(null as date) as promised_date
    from {{ ref('int_gathered_disputes') }}
    union all
    select
        'collection_cases' as stream,
        source,
        record_key,
        line_no,
        entity_id,
        source_case_id as source_state_id,
        source_document_id,
        cast(null as text) as source_customer_id,
        stage as state_type,
        cast(null as numeric) as amount,
        opened_on,
        closed_on,
        cast(null as date) as promised_date
    from {{ ref('int_gathered_collection_cases') }}
    union all
    select
        'promises' as stream,
        source,
        record_key,
        line_no,
        entity_id,
        source_promise_id as source_state_id,
        source_document_id,
        source_customer_id,
        'promise' as state_type,
        amount,
        recorded_on as opened_on,
        cast(null as date) as closed_on,
        promised_date
    from {{ ref('int_gathered_promises') }}
),

final as (
    select
        states.stream,
        states.source,
        states.record_key,
        states.line_no,
        states.entity_id,
        states.source_state_id,
        states.state_type,
        documents.document_key,
        coalesce(documents.customer_id, customers.customer_id) as customer_id,
        documents.currency_code,
        states.amount,
        states.opened_on,
        states.closed_on,
        states.promised_date,
        case
            when states.source_document_id is not null and documents.document_key is null
                then 'document_id'
            when documents.refused_reason is not null then 'document_id'
            when states.source_customer_id is not null and customers.customer_id is null
                then 'customer_id'
            when states.closed_on < states.opened_on then 'closed_on'
        end as refused_column,
        case
            when states.source_document_id is not null and documents.document_key is null
                then
                    'document ' || states.source_document_id
                    || ' is not in documents: add it there'
            when documents.refused_reason is not null
                then
                    'document ' || states.source_document_id
                    || ' was itself refused: mend it first'
            when states.source_customer_id is not null and customers.customer_id is null
                then
                    'customer ' || states.source_customer_id
                    || ' is not in customers: add it there'
            when states.closed_on < states.opened_on
                then 'closed_on is before opened_on'
        end as refused_reason
    from states
    left join {{ ref('int_documents_checked') }} as documents
        on
            states.source = documents.source
            and states.entity_id = documents.entity_id
            and states.source_document_id = documents.source_document_id
    left join {{ ref('int_customers') }} as customers
        on
            states.source = customers.source
            and states.entity_id = customers.entity_id
            and states.source_customer_id = customers.source_customer_id
    left join {{ ref('int_changed_customers') }} as changed_customers
        on customers.customer_id = changed_customers.customer_id
    left join {{ ref('int_changed_customers') }} as changed_books
        on
            states.source = changed_books.source
            and states.entity_id = changed_books.entity_id
            and changed_books.source_customer_id = ''
    where
        documents.document_key is not null
        or (states.source_document_id is null and changed_customers.customer_id is not null)
        or changed_books.entity_id is not null
)

select * from final
