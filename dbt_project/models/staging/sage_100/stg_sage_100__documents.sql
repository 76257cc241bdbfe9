-- grain: one row per invoice or credit note, and per loss that settles no whole document
with documents as (
    select
        entity_id,
        source_item_id,
        is_debit,
        source_customer_id,
        entry_date,
        min(document_number) as document_number,
        max(due_date) as due_date,
        sum(amount) as amount,
        round(sum(amount_excl_tax), 2) as amount_excl_tax,
        min(known_at) as known_at
    from {{ ref('stg_sage_100__receivable_lines') }}
    where item_kind = 'document'
    group by entity_id, source_item_id, is_debit, source_customer_id, entry_date
),

losses as (
    select
        entity_id,
        credit_line_no,
        sum(amount) as amount
    from {{ ref('stg_sage_100__matches') }}
    where credit_kind = 'write_off' and debit_kind = 'document'
    group by entity_id, credit_line_no
),

-- A loss is one of a document; what it is booked beyond that is a credit of the customer.
all_documents as (
    select * from documents
    union all
    select
        lines.entity_id,
        lines.source_item_id,
        lines.is_debit,
        lines.source_customer_id,
        lines.entry_date,
        lines.document_number,
        lines.due_date,
        lines.amount - coalesce(losses.amount, 0) as amount,
        cast(null as numeric) as amount_excl_tax,
        lines.known_at
    from {{ ref('stg_sage_100__receivable_lines') }} as lines
    left join losses
        on
            lines.entity_id = losses.entity_id
            and lines.ledger_line_no = losses.credit_line_no
    where
        lines.item_kind = 'write_off'
        and lines.amount > coalesce(losses.amount, 0)
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_item_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_item_id as source_document_id,
        case when is_debit then 'invoice' else 'credit_note' end as document_type,
        document_number,
        source_customer_id,
        entry_date as issue_date,
        due_date,
        -- Amounts of a ledger are those of the company (DECISIONS.md).
        'EUR' as currency_code,
        amount as amount_incl_tax,
        amount_excl_tax,
        cast(1 as numeric) as exchange_rate,
        cast(null as text) as source_credited_document_id,
        'posted' as status,
        {{ json_object('null') }} as custom_attributes,
        cast(null as numeric) as source_open_amount,
        known_at
    from all_documents
)

select * from final
