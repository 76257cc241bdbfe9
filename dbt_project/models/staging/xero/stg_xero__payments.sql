-- grain: one row per receipt or refund: a payment, the payments of one batch and customer, or money
-- on account
-- Over- and prepayments are receipts of their own: what Xero allocates of them is no payment again.
with money_on_account as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_xero', 'overpayments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_xero', 'overpayments')) }}
        and not is_deleted
    union all
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_xero', 'prepayments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_xero', 'prepayments')) }}
        and not is_deleted
),

typed as (
    select
        entity_id,
        record_key as source_payment_id,
        {{ json_text(json_part('payload', 'Contact'), 'ContactID') }} as contact_id,
        case
            when
                {{ json_text('payload', 'Type') }}
                in ('SPEND-OVERPAYMENT', 'SPEND-PREPAYMENT', 'APPREPAYMENT')
                then 'supplier'
            when {{ json_text('payload', 'Status') }} = 'VOIDED' then 'voided'
            when coalesce({{ json_text('payload', 'Status') }}, '') not in ('AUTHORISED', 'PAID')
                then coalesce('status ' || {{ json_text('payload', 'Status') }}, 'without status')
            when
                {{ json_text('payload', 'Type') }} in (
                    'RECEIVE-OVERPAYMENT', 'RECEIVE-PREPAYMENT', 'AROVERPAYMENT', 'ARPREPAYMENT'
                )
                then 'receipt'
            else coalesce({{ json_text('payload', 'Type') }}, 'unknown')
        end as payment_type,
        {{ xero_date('payload', 'Date') }} as payment_date,
        {{ json_text('payload', 'CurrencyCode') }} as currency_code,
        cast({{ json_text('payload', 'Total') }} as numeric) as amount,
        cast({{ json_text('payload', 'CurrencyRate') }} as numeric) as currency_rate,
        nullif({{ json_text('payload', 'Reference') }}, '') as reference,
        known_at
    from money_on_account
),

receipts as (
    select
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        -- A batch has one date, and one account whose rate it is.
        max(payment_date) as payment_date,
        max(currency_code) as currency_code,
        sum(amount) as amount,
        max(exchange_rate) as exchange_rate,
        max(reference) as reference,
        min(known_at) as known_at
    from {{ ref('stg_xero__settling_payments') }}
    group by entity_id, source_payment_id, source_customer_id, payment_type
    union all
    select
        typed.entity_id,
        typed.source_payment_id,
        coalesce(contacts.surviving_customer_id, typed.contact_id) as source_customer_id,
        typed.payment_type,
        typed.payment_date,
        typed.currency_code,
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
    where typed.payment_type not in ('supplier', 'voided')
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_payment_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        payment_type,
        payment_date,
        currency_code,
        amount,
        exchange_rate,
        cast(null as text) as method,
        reference,
        known_at
    from receipts
)

select * from final
