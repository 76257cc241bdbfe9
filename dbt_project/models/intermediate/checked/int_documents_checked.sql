-- grain: one row per document of any source, with the reason why it cannot be used, if any
-- Of the customers that this build works out: what was published of the others was good.
with named_documents as (
    select
        gathered.*,
        {{ surrogate_key(['source', 'entity_id', "coalesce(source_customer_id, '')"]) }}
            as customer_id
    from {{ ref('int_gathered_documents') }} as gathered
),

documents as (
    select named_documents.*
    from named_documents
    inner join {{ ref('int_changed_customers') }} as changed_customers
        on named_documents.customer_id = changed_customers.customer_id
),

final as (
    select
        documents.source,
        documents.record_key,
        documents.line_no,
        {{ surrogate_key([
            'documents.source', 'documents.entity_id', "'document'", 'documents.source_document_id'
        ]) }}
            as document_key,
        documents.entity_id,
        documents.source_document_id,
        documents.document_type,
        documents.document_number,
        documents.source_customer_id,
        customers.customer_id,
        documents.issue_date,
        documents.due_date,
        customers.payment_terms,
        documents.currency_code,
        documents.amount_incl_tax,
        documents.amount_excl_tax,
        coalesce(
            documents.exchange_rate,
            -- 1 is the truth between a currency and itself, and nowhere else.
            case when documents.currency_code = entities.base_currency then 1 end
        ) as exchange_rate,
        case
            when documents.source_credited_document_id is not null
                then
                    {{ surrogate_key([
                        'documents.source',
                        'documents.entity_id',
                        "'document'",
                        'documents.source_credited_document_id'
                    ]) }}
        end as credited_document_key,
        documents.status,
        documents.source_open_amount,
        documents.known_at,
        case
            when customers.customer_id is null then 'customer_id'
            when documents.status not in ('posted', 'draft', 'void') then 'status'
            when documents.document_type not in ('invoice', 'credit_note') then 'document_type'
            when documents.status = 'posted' and documents.issue_date is null then 'issue_date'
            when documents.status = 'posted' and documents.currency_code is null
                then 'currency_code'
            when documents.status = 'posted' and documents.amount_incl_tax is null
                then 'amount_incl_tax'
            when
                documents.exchange_rate is null
                and documents.currency_code <> entities.base_currency
                then 'exchange_rate'
            when
                documents.exchange_rate <> 1
                and documents.currency_code = entities.base_currency
                then 'exchange_rate'
        end as refused_column,
        case
            when customers.customer_id is null
                then
                    'customer ' || coalesce(documents.source_customer_id, '(none)')
                    || ' is not in customers: add it there or correct the document'
            -- The reading of flat files refuses these; an API may come with a new word.
            when documents.status not in ('posted', 'draft', 'void')
                then
                    'status ' || documents.status
                    || ' is not known: nobody can tell whether the document is owed'
            when documents.document_type not in ('invoice', 'credit_note')
                then
                    'type ' || documents.document_type
                    || ' is not known: nobody can tell which way the document counts'
            when documents.status = 'posted' and documents.issue_date is null
                then 'a posted document without a date: give it one in the source'
            when documents.status = 'posted' and documents.currency_code is null
                then 'a posted document without a currency: give it one in the source'
            when documents.status = 'posted' and documents.amount_incl_tax is null
                then 'a posted document without an amount: give it one in the source'
            when
                documents.exchange_rate is null
                and documents.currency_code <> entities.base_currency
                then
                    'amount in ' || documents.currency_code || ' without exchange_rate to '
                    || entities.base_currency || ': give the rate of the document'
            when
                documents.exchange_rate <> 1
                and documents.currency_code = entities.base_currency
                then
                    'exchange_rate of ' || entities.base_currency
                    || ' to itself is not 1: correct the rate or the currency_code'
        end as refused_reason
    from documents
    inner join {{ ref('int_entities') }} as entities
        on documents.entity_id = entities.entity_id
    left join {{ ref('int_customers') }} as customers
        on documents.customer_id = customers.customer_id
)

select * from final
