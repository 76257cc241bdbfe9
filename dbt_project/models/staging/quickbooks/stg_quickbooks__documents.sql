-- grain: one row per invoice or credit note, in its latest version known on `known_on`
-- Invoices and credit memos, and what a journal entry makes a customer owe. A void document stays
-- under its number, with amounts of zero and a note that begins with "Voided"; zero alone is none.
with items as (
    select
        entity_id,
        txn_type,
        source_item_id,
        source_customer_id,
        item_date,
        currency_code,
        exchange_rate,
        signed_amount,
        payload,
        known_at
    from {{ ref('stg_quickbooks__items') }}
    where
        txn_type in ('Invoice', 'CreditMemo')
        or (txn_type = 'JournalEntry' and (signed_amount > 0 or signed_amount is null))
),

judged as (
    select
        items.*,
        case
            when {{ json_text('payload', 'status') }} = 'Voided' then 'void'
            when
                signed_amount = 0
                and {{ json_text('payload', 'PrivateNote') }} like 'Voided%'
                then 'void'
            when {{ json_text('payload', 'status') }} = 'Draft' then 'draft'
            -- A state that is none of books that are kept online: the checks refuse it.
            else coalesce({{ json_text('payload', 'status') }}, 'posted')
        end as status
    from items
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_item_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_item_id as source_document_id,
        case
            when signed_amount < 0 then 'credit_note'
            when signed_amount > 0 then 'invoice'
            when txn_type = 'CreditMemo' then 'credit_note'
            else 'invoice'
        end as document_type,
        coalesce(nullif({{ json_text('payload', 'DocNumber') }}, ''), source_item_id)
            as document_number,
        source_customer_id,
        item_date as issue_date,
        cast({{ json_text('payload', 'DueDate') }} as date) as due_date,
        currency_code,
        abs(signed_amount) as amount_incl_tax,
        case
            when txn_type <> 'JournalEntry'
                then abs(
                    cast({{ json_text('payload', 'TotalAmt') }} as numeric)
                    - cast({{ json_text(json_part('payload', 'TxnTaxDetail'), 'TotalTax') }}
                        as numeric)
                )
        end as amount_excl_tax,
        exchange_rate,
        cast(null as text) as source_credited_document_id,
        status,
        {{ json_object('null') }} as custom_attributes,
        case
            when status <> 'posted' or txn_type = 'JournalEntry' then null
            when txn_type = 'CreditMemo'
                then abs(coalesce(
                    cast({{ json_text('payload', 'RemainingCredit') }} as numeric),
                    cast({{ json_text('payload', 'Balance') }} as numeric)
                ))
            else abs(cast({{ json_text('payload', 'Balance') }} as numeric))
        end as source_open_amount,
        known_at
    from judged
)

select * from final
