-- grain: one row per invoice and payment, refund or credit that settles it, as known on `known_on`
-- A reading of an invoice lists all that settles it, credit notes and other credits with their kind
-- in brackets, (CREDIT_NOTE). The latest list stands, unless the invoice itself says that nothing
-- settles it: the last payment of an open invoice can be undone without a trace in its list.
-- Amounts are in the company's currency there, also for an invoice in another one.
with listed as (
    select
        versions.entity_id,
        versions.record_key as source_document_id,
        ({{ is_latest_known('versions', source('raw_dolibarr', 'payments')) }}) as is_latest,
        versions.extracted_at,
        {{ json_text('elements.value', 'type') }} as source_type,
        {{ json_text('elements.value', 'type') }} like '(%' as is_credit,
        cast(substr({{ json_text('elements.value', 'date') }}, 1, 10) as date) as settled_on,
        coalesce({{ json_text('elements.value', 'num') }}, '') as reference,
        nullif({{ json_text('elements.value', 'ref') }}, '') as stated_ref,
        {{ dolibarr_amount('elements.value', 'amount') }} as company_amount
    from {{ source('raw_dolibarr', 'payments') }} as versions
    cross join lateral
        {{ json_elements(json_part('versions.payload', 'payments')) }} as elements (value)
    where
        versions.extracted_at <= {{ known_on() }}
        and not versions.is_deleted
),

-- Payments of very old versions have no reference of their own.
named as (
    select
        listed.*,
        coalesce(
            stated_ref,
            'invoice ' || source_document_id || ' ' || cast(settled_on as text) || ' '
            || source_type || ' ' || reference
        ) as settlement_ref
    from listed
),

-- A credit note of several VAT rates is several credits.
summed as (
    select
        entity_id,
        source_document_id,
        is_credit,
        settlement_ref,
        min(settled_on) filter (where is_latest) as settled_on,
        min(source_type) filter (where is_latest) as source_type,
        min(reference) filter (where is_latest) as reference,
        sum(company_amount) filter (where is_latest) as signed_company_amount,
        min(extracted_at) as known_at
    from named
    group by entity_id, source_document_id, is_credit, settlement_ref
    having bool_or(is_latest)
),

-- A reference is unique in a company, so the join multiplies no row.
matched as (
    select
        summed.*,
        abs(summed.signed_company_amount) as company_amount,
        invoices.document_type,
        invoices.source_customer_id,
        invoices.base_currency,
        invoices.currency_code,
        invoices.amount_incl_tax,
        invoices.company_amount as invoice_company_amount,
        coalesce(currencies.minor_units, 2) as minor_units,
        credits.source_document_id as source_credit_id,
        credits.invoice_type as credit_type,
        case
            when not summed.is_credit and summed.signed_company_amount > 0 then 'receipt'
            when not summed.is_credit then 'refund'
            when credits.document_type = 'credit_note' then 'credit_note'
            when credits.invoice_type = '3' then 'deposit'
            when credits.source_document_id is not null then 'excess'
            -- A credit of an invoice that is not known: the checks of allocations refuse it.
            else 'credit_note'
        end as settlement_kind
    from summed
    inner join {{ ref('stg_dolibarr__invoices') }} as invoices
        on
            summed.entity_id = invoices.entity_id
            and summed.source_document_id = invoices.source_document_id
    left join {{ ref('stg_dolibarr__invoices') }} as credits
        on
            summed.is_credit
            and summed.entity_id = credits.entity_id
            and summed.settlement_ref = credits.document_number
    left join {{ ref('currencies') }} as currencies
        on invoices.currency_code = currencies.currency_code
    where
        invoices.is_settled_in_part
        and summed.signed_company_amount <> 0
),

-- Credits first: what is more than the invoice is of the payment that came last.
spans as (
    select
        matched.*,
        sum(company_amount) over (
            partition by entity_id, source_document_id
            order by is_credit desc, settled_on, settlement_ref
        ) as company_end
    from matched
),

-- In the currency of the invoice, so that all parts of a settled one sum to it.
converted as (
    select
        spans.*,
        case
            when currency_code = base_currency then company_end
            else round(company_end * amount_incl_tax / invoice_company_amount, minor_units)
        end as span_end,
        case
            when currency_code = base_currency then company_end - company_amount
            else
                round(
                    (company_end - company_amount) * amount_incl_tax / invoice_company_amount,
                    minor_units
                )
        end as span_start
    from spans
    where
        currency_code = base_currency
        or invoice_company_amount <> 0
),

grouped as (
    select
        converted.*,
        {{ surrogate_key(['source_customer_id', 'currency_code', 'settlement_kind']) }}
            as payment_group
    from converted
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_document_id', 'is_credit', 'settlement_ref']) }}
            as record_key,
        entity_id,
        source_document_id,
        source_customer_id,
        settlement_kind,
        settlement_ref,
        -- One payment of several customers or currencies is several payments here.
        case
            when
                min(payment_group) over (partition by entity_id, is_credit, settlement_ref)
                = max(payment_group) over (partition by entity_id, is_credit, settlement_ref)
                then settlement_ref
            else settlement_ref || '/' || payment_group
        end as source_payment_id,
        coalesce(source_credit_id, settlement_ref) as source_credit_id,
        settled_on,
        source_type,
        reference,
        currency_code,
        company_amount,
        span_end - span_start as amount,
        -- Only a receipt can be more than is owed.
        case settlement_kind
            when 'receipt' then greatest(least(span_end, amount_incl_tax) - span_start, 0)
            else span_end - span_start
        end as allocated_amount,
        currency_code <> base_currency as is_estimated,
        known_at
    from grouped
)

select * from final
