-- grain: one row per payment that pays one document or credit, in its latest version known on
-- `known_on`
-- What suppliers are paid, and what was deleted, is left out. Payments of one batch and customer
-- are one receipt, told by `source_payment_id`.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        {{ json_part('payload', 'Invoice') }} as invoice,
        {{ json_part('payload', 'CreditNote') }} as credit_note,
        {{ json_part('payload', 'Overpayment') }} as overpayment,
        {{ json_part('payload', 'Prepayment') }} as prepayment,
        nullif({{ json_text('payload', 'BatchPaymentID') }}, '') as batch_id,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_xero', 'payments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_xero', 'payments')) }}
        and not is_deleted
),

-- The specification's examples show a credit that is paid back as an `Invoice` too, of its own
-- type; its schema has a field for each.
typed as (
    select
        entity_id,
        record_key as source_part_id,
        batch_id,
        case
            when
                {{ json_text('payload', 'PaymentType') }} in (
                    'ACCPAYPAYMENT',
                    'APCREDITPAYMENT',
                    'APOVERPAYMENTPAYMENT',
                    'APPREPAYMENTPAYMENT'
                )
                then 'supplier'
            when {{ json_text('payload', 'Status') }} = 'DELETED' then 'deleted'
            when coalesce({{ json_text('payload', 'Status') }}, '') <> 'AUTHORISED'
                then coalesce('status ' || {{ json_text('payload', 'Status') }}, 'without status')
            when {{ json_text('payload', 'PaymentType') }} = 'ACCRECPAYMENT' then 'receipt'
            when
                {{ json_text('payload', 'PaymentType') }}
                in ('ARCREDITPAYMENT', 'AROVERPAYMENTPAYMENT', 'ARPREPAYMENTPAYMENT')
                then 'refund'
            -- A word that the vendor did not use before, or none: the checks refuse it.
            else coalesce({{ json_text('payload', 'PaymentType') }}, 'unknown')
        end as payment_type,
        coalesce(
            {{ json_text(json_part('invoice', 'Contact'), 'ContactID') }},
            {{ json_text(json_part('credit_note', 'Contact'), 'ContactID') }},
            {{ json_text(json_part('overpayment', 'Contact'), 'ContactID') }},
            {{ json_text(json_part('prepayment', 'Contact'), 'ContactID') }}
        ) as contact_id,
        coalesce(
            {{ json_text('invoice', 'InvoiceID') }},
            {{ json_text('credit_note', 'CreditNoteID') }},
            {{ json_text('overpayment', 'OverpaymentID') }},
            {{ json_text('prepayment', 'PrepaymentID') }}
        ) as source_document_id,
        coalesce(
            {{ json_text('invoice', 'CurrencyCode') }},
            {{ json_text('credit_note', 'CurrencyCode') }},
            {{ json_text('overpayment', 'CurrencyCode') }},
            {{ json_text('prepayment', 'CurrencyCode') }}
        ) as currency_code,
        {{ xero_date('payload', 'Date') }} as payment_date,
        cast({{ json_text('payload', 'Amount') }} as numeric) as amount,
        cast({{ json_text('payload', 'CurrencyRate') }} as numeric) as currency_rate,
        nullif({{ json_text('payload', 'Reference') }}, '') as reference,
        known_at
    from latest
),

final as (
    select
        {{ surrogate_key(['typed.entity_id', 'typed.source_part_id']) }} as record_key,
        typed.entity_id,
        typed.source_part_id,
        case
            when typed.batch_id is null then typed.source_part_id
            else
                typed.batch_id
                || '/' || coalesce(contacts.surviving_customer_id, typed.contact_id, '')
                || '/' || coalesce(typed.currency_code, '')
        end as source_payment_id,
        typed.payment_type,
        coalesce(contacts.surviving_customer_id, typed.contact_id) as source_customer_id,
        typed.source_document_id,
        typed.currency_code,
        typed.payment_date,
        typed.amount,
        case
            when typed.currency_rate = 1 then 1
            else 1 / nullif(typed.currency_rate, 0)
        end as exchange_rate,
        typed.reference,
        typed.known_at
    from typed
    left join {{ ref('stg_xero__customers') }} as contacts
        on
            typed.entity_id = contacts.entity_id
            and typed.contact_id = contacts.source_customer_id
    where typed.payment_type not in ('deleted', 'supplier')
)

select * from final
