-- grain: one row per invoice or credit note, in its latest version known on `known_on`
-- Drafts, what waits for approval, and what was deleted before it was approved, are left out, as
-- are bills, should any come.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        {{ json_text('payload', 'InvoiceNumber') }} as document_number,
        cast({{ json_text('payload', 'AmountDue') }} as numeric) as open_amount,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_xero', 'invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_xero', 'invoices')) }}
        and not is_deleted
    union all
    select
        entity_id,
        record_key,
        payload,
        {{ json_text('payload', 'CreditNoteNumber') }} as document_number,
        cast({{ json_text('payload', 'RemainingCredit') }} as numeric) as open_amount,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_xero', 'credit_notes') }} as versions
    where
        {{ is_latest_known('versions', source('raw_xero', 'credit_notes')) }}
        and not is_deleted
),

typed as (
    select
        entity_id,
        record_key as source_document_id,
        nullif(document_number, '') as document_number,
        case {{ json_text('payload', 'Type') }}
            when 'ACCREC' then 'invoice'
            when 'ACCRECCREDIT' then 'credit_note'
            -- A word that has no place here, or none: the checks refuse it.
            else coalesce({{ json_text('payload', 'Type') }}, 'unknown')
        end as document_type,
        case {{ json_text('payload', 'Status') }}
            when 'AUTHORISED' then 'posted'
            when 'PAID' then 'posted'
            when 'VOIDED' then 'void'
            else coalesce({{ json_text('payload', 'Status') }}, 'unknown')
        end as status,
        {{ json_text(json_part('payload', 'Contact'), 'ContactID') }} as contact_id,
        {{ xero_date('payload', 'Date') }} as issue_date,
        -- A credit note has one too, which says nothing here.
        {{ xero_date('payload', 'DueDate') }} as due_date,
        {{ json_text('payload', 'CurrencyCode') }} as currency_code,
        cast({{ json_text('payload', 'Total') }} as numeric) as amount_incl_tax,
        cast({{ json_text('payload', 'SubTotal') }} as numeric) as amount_excl_tax,
        cast({{ json_text('payload', 'CurrencyRate') }} as numeric) as currency_rate,
        open_amount,
        known_at
    from latest
),

final as (
    select
        {{ surrogate_key(['typed.entity_id', 'typed.source_document_id']) }} as record_key,
        cast(null as integer) as line_no,
        typed.entity_id,
        typed.source_document_id,
        typed.document_type,
        typed.document_number,
        coalesce(contacts.surviving_customer_id, typed.contact_id) as source_customer_id,
        typed.issue_date,
        case when typed.document_type = 'invoice' then typed.due_date end as due_date,
        typed.currency_code,
        typed.amount_incl_tax,
        typed.amount_excl_tax,
        -- Foreign currency per base currency (DECISIONS.md).
        case
            when typed.currency_rate = 1 then 1
            else 1 / nullif(typed.currency_rate, 0)
        end as exchange_rate,
        cast(null as text) as source_credited_document_id,
        typed.status,
        {{ json_object('null') }} as custom_attributes,
        case when typed.status = 'posted' then typed.open_amount end as source_open_amount,
        typed.known_at
    from typed
    left join {{ ref('stg_xero__customers') }} as contacts
        on
            typed.entity_id = contacts.entity_id
            and typed.contact_id = contacts.source_customer_id
    where
        typed.status not in ('DRAFT', 'SUBMITTED', 'DELETED')
        and typed.document_type not in ('ACCPAY', 'ACCPAYCREDIT', 'APOVERPAYMENT', 'APPREPAYMENT')
)

select * from final
