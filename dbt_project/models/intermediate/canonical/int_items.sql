-- grain: one row per open item that ever existed: instalment, credit note, payment or refund
with documents as (
    select
        source,
        document_key,
        entity_id,
        customer_id,
        source_document_id,
        document_number,
        document_type,
        origin,
        issue_date,
        booking_date,
        currency_code,
        amount_incl_tax,
        exchange_rate,
        ledger_account,
        is_doubtful,
        known_at
    from {{ ref('int_documents') }}
),

all_items as (
    select
        documents.document_key || ':' || cast(instalments.instalment_no as text) as open_item_id,
        documents.document_key as item_key,
        documents.source,
        documents.entity_id,
        documents.customer_id,
        documents.source_document_id,
        documents.document_number,
        instalments.instalment_no,
        instalments.is_split,
        'invoice' as item_type,
        documents.origin,
        documents.issue_date,
        documents.booking_date,
        instalments.due_date,
        instalments.due_date_is_estimated,
        documents.currency_code,
        instalments.amount as original_amount,
        documents.exchange_rate,
        documents.ledger_account,
        documents.is_doubtful,
        documents.known_at
    from documents
    inner join {{ ref('int_instalments') }} as instalments
        on documents.document_key = instalments.document_key
    union all
    select
        document_key as open_item_id,
        document_key as item_key,
        source,
        entity_id,
        customer_id,
        source_document_id,
        document_number,
        cast(null as integer) as instalment_no,
        false as is_split,
        'credit_note' as item_type,
        origin,
        issue_date,
        booking_date,
        cast(null as date) as due_date,
        false as due_date_is_estimated,
        currency_code,
        -amount_incl_tax as original_amount,
        exchange_rate,
        ledger_account,
        is_doubtful,
        known_at
    from documents
    where document_type = 'credit_note'
    union all
    select
        payment_key as open_item_id,
        payment_key as item_key,
        source,
        entity_id,
        customer_id,
        source_payment_id as source_document_id,
        document_number,
        cast(null as integer) as instalment_no,
        false as is_split,
        item_type,
        'cash' as origin,
        payment_date as issue_date,
        payment_date as booking_date,
        cast(null as date) as due_date,
        false as due_date_is_estimated,
        currency_code,
        case item_type when 'refund' then amount else -amount end as original_amount,
        exchange_rate,
        ledger_account,
        is_doubtful,
        known_at
    from {{ ref('int_payments') }}
),

final as (
    select
        all_items.open_item_id,
        all_items.item_key,
        all_items.source,
        all_items.entity_id,
        all_items.customer_id,
        all_items.source_document_id,
        all_items.document_number,
        all_items.instalment_no,
        all_items.is_split,
        all_items.item_type,
        all_items.origin,
        all_items.issue_date,
        all_items.booking_date,
        all_items.due_date,
        all_items.due_date_is_estimated,
        all_items.currency_code,
        all_items.original_amount,
        all_items.exchange_rate,
        entities.base_currency as company_currency_code,
        entities.minor_units as company_minor_units,
        all_items.ledger_account,
        all_items.is_doubtful,
        all_items.known_at
    from all_items
    inner join {{ ref('int_entities') }} as entities
        on all_items.entity_id = entities.entity_id
)

select * from final
