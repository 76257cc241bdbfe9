-- grain: one row per posted document that can be used, from any source
with checked_documents as (
    select
        source,
        document_key,
        entity_id,
        customer_id,
        source_document_id,
        document_number,
        document_type,
        credited_document_key,
        'sale' as origin,
        issue_date,
        issue_date as booking_date,
        due_date,
        payment_terms,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        source_open_amount,
        exchange_rate,
        true as counts_as_revenue,
        cast(null as text) as ledger_account,
        false as is_doubtful,
        known_at
    from {{ ref('int_documents_checked') }}
    where status = 'posted' and refused_reason is null
),

-- The ledger's currency is the truth of a ledger: its items are carried in it (DECISIONS.md).
ledger_documents as (
    select
        lines.source,
        lines.line_key as document_key,
        lines.entity_id,
        {{ surrogate_key(['lines.source', 'lines.entity_id', 'lines.source_customer_id']) }}
            as customer_id,
        lines.source_document_id,
        lines.piece_ref as document_number,
        lines.item_type as document_type,
        cast(null as text) as credited_document_key,
        lines.origin,
        lines.document_date as issue_date,
        lines.entry_date as booking_date,
        lines.due_date,
        cast(null as text) as payment_terms,
        entities.base_currency as currency_code,
        abs(lines.signed_amount) as amount_incl_tax,
        abs(lines.amount_excl_tax) as amount_excl_tax,
        cast(null as numeric) as source_open_amount,
        1 as exchange_rate,
        lines.counts_as_revenue,
        lines.ledger_account,
        lines.is_doubtful,
        lines.known_at
    from {{ ref('int_ledger_receivable_lines') }} as lines
    inner join {{ ref('int_entities') }} as entities
        on lines.entity_id = entities.entity_id
    inner join {{ ref('int_changed_customers') }} as changed_customers
        on
            {{ surrogate_key(['lines.source', 'lines.entity_id', 'lines.source_customer_id']) }}
            = changed_customers.customer_id
    where
        lines.item_type in ('invoice', 'credit_note')
        and not lines.is_carried_forward
),

final as (
    select * from checked_documents
    union all
    select * from ledger_documents
)

select * from final
