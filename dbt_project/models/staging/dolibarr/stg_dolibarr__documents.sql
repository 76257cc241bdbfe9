-- grain: one row per invoice or credit note, and per deposit that was used as a payment
-- A deposit that is used as a payment (an option of Dolibarr) was invoiced and paid by itself, and
-- is part of the final invoice again: a credit note takes it out there. Otherwise the deposit is a
-- line of the final invoice, and nothing is to be done.
with invoices as (
    select
        entity_id,
        source_document_id,
        document_type,
        invoice_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        base_currency,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        company_amount,
        exchange_rate,
        source_named_document_id,
        status,
        close_code,
        remaining_company_amount,
        known_at
    from {{ ref('stg_dolibarr__invoices') }}
),

deposits as (
    select
        entity_id,
        source_document_id,
        source_credit_id,
        amount,
        known_at
    from {{ ref('stg_dolibarr__settlements') }}
    where settlement_kind = 'deposit'
),

documents as (
    select
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        -- A replacement and a situation name another invoice as well.
        case when invoice_type = '2' then source_named_document_id end
            as source_credited_document_id,
        status,
        -- What a credit note says does not count where it was used; an invoice that was closed
        -- with something unpaid still says it, one that was paid too much says less than nothing.
        case
            when
                document_type <> 'invoice'
                or status <> 'posted'
                or close_code is not null
                or remaining_company_amount is null
                then null
            when remaining_company_amount <= 0 then 0
            when currency_code = base_currency then remaining_company_amount
            else round(remaining_company_amount * amount_incl_tax / company_amount, 2)
        end as source_open_amount,
        known_at
    from invoices
    union all
    select
        deposits.entity_id,
        'deposit ' || deposits.source_credit_id || ' ' || deposits.source_document_id
            as source_document_id,
        'credit_note' as document_type,
        deposited.document_number,
        finals.source_customer_id,
        greatest(finals.issue_date, deposited.issue_date) as issue_date,
        cast(null as date) as due_date,
        finals.currency_code,
        deposits.amount as amount_incl_tax,
        round(
            deposits.amount * deposited.amount_excl_tax / nullif(deposited.amount_incl_tax, 0), 2
        ) as amount_excl_tax,
        finals.exchange_rate,
        deposits.source_document_id as source_credited_document_id,
        'posted' as status,
        cast(null as numeric) as source_open_amount,
        deposits.known_at
    from deposits
    inner join invoices as finals
        on
            deposits.entity_id = finals.entity_id
            and deposits.source_document_id = finals.source_document_id
    inner join invoices as deposited
        on
            deposits.entity_id = deposited.entity_id
            and deposits.source_credit_id = deposited.source_document_id
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_document_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_document_id,
        document_type,
        document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        source_credited_document_id,
        status,
        {{ json_object('null') }} as custom_attributes,
        source_open_amount,
        known_at
    from documents
)

select * from final
