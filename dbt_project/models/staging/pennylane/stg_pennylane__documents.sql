-- grain: one row per invoice or credit note, in its latest version known on `known_on`
-- The list of customer invoices also holds quotes, orders, proformas, drafts and invoices that miss
-- something still (`incomplete`): none of them is a receivable yet, all are left out. A credit note
-- has the status, names a credited invoice, or is negative (so the vendor makes them since the
-- changelog of 10 April 2025). A cancelled invoice that a credit note names stays posted, and the
-- credit note settles it; one that none names is void.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_pennylane', 'customer_invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_pennylane', 'customer_invoices')) }}
        and not is_deleted
),

typed as (
    select
        entity_id,
        record_key as source_document_id,
        {{ json_text('payload', 'invoice_number') }} as document_number,
        {{ json_text(json_part('payload', 'customer'), 'id') }} as source_customer_id,
        cast({{ json_text('payload', 'date') }} as date) as issue_date,
        cast({{ json_text('payload', 'deadline') }} as date) as due_date,
        {{ json_text('payload', 'currency') }} as currency_code,
        cast({{ json_text('payload', 'currency_amount') }} as numeric) as signed_amount,
        cast({{ json_text('payload', 'currency_amount_before_tax') }} as numeric)
            as signed_amount_excl_tax,
        cast({{ json_text('payload', 'amount') }} as numeric) as signed_company_amount,
        cast({{ json_text('payload', 'exchange_rate') }} as numeric) as stated_rate,
        cast({{ json_text('payload', 'remaining_amount_with_tax') }} as numeric)
            as remaining_company_amount,
        {{ json_text('payload', 'status') }} as source_status,
        cast({{ json_text('payload', 'draft') }} as boolean) as is_draft,
        {{ json_text(json_part('payload', 'credited_invoice'), 'id') }}
            as source_credited_document_id,
        known_at
    from latest
),

receivables as (
    select
        typed.*,
        source_status = 'credit_note'
        or source_credited_document_id is not null
        or signed_amount < 0 as is_credit_note
    from typed
    where
        not is_draft
        and source_status not in (
            'draft',
            'incomplete',
            'proforma',
            'shipping_order',
            'purchasing_order',
            'estimate_pending',
            'estimate_accepted',
            'estimate_invoiced',
            'estimate_denied'
        )
),

credited_invoices as (
    select
        entity_id,
        source_credited_document_id as source_document_id
    from receivables
    where
        source_credited_document_id is not null
        and source_status not in ('archived', 'cancelled')
    group by entity_id, source_credited_document_id
),

judged as (
    select
        receivables.*,
        case
            when receivables.source_status = 'archived' then 'void'
            when
                receivables.source_status = 'cancelled'
                and credited_invoices.source_document_id is null
                then 'void'
            when
                receivables.source_status in (
                    'paid',
                    'partially_paid',
                    'partially_cancelled',
                    'cancelled',
                    'upcoming',
                    'late',
                    'credit_note'
                )
                then 'posted'
            -- A word that the vendor did not use before: the checks of documents refuse it.
            else receivables.source_status
        end as status
    from receivables
    left join credited_invoices
        on
            receivables.entity_id = credited_invoices.entity_id
            and receivables.source_document_id = credited_invoices.source_document_id
),

final as (
    select
        {{ surrogate_key(['judged.entity_id', 'judged.source_document_id']) }} as record_key,
        cast(null as integer) as line_no,
        judged.entity_id,
        judged.source_document_id,
        case when judged.is_credit_note then 'credit_note' else 'invoice' end as document_type,
        nullif(judged.document_number, '') as document_number,
        judged.source_customer_id,
        judged.issue_date,
        judged.due_date,
        judged.currency_code,
        abs(judged.signed_amount) as amount_incl_tax,
        abs(judged.signed_amount_excl_tax) as amount_excl_tax,
        -- Which way round `exchange_rate` is, the specification does not say; both amounts it
        -- gives. Where both are zero, no figure depends on the rate.
        case
            when judged.currency_code = 'EUR' then 1
            when judged.signed_amount = 0 then judged.stated_rate
            else judged.signed_company_amount / judged.signed_amount
        end as exchange_rate,
        judged.source_credited_document_id,
        judged.status,
        {{ json_object('null') }} as custom_attributes,
        -- In euros, also for an invoice in another currency (vendor's forum); what it means for a
        -- credit note is not stated.
        case
            when judged.is_credit_note or judged.status <> 'posted' then null
            when judged.currency_code = 'EUR' or judged.signed_company_amount = 0
                then judged.remaining_company_amount
            else
                round(
                    judged.remaining_company_amount
                    * judged.signed_amount / judged.signed_company_amount,
                    coalesce(currencies.minor_units, 2)
                )
        end as source_open_amount,
        judged.known_at
    from judged
    left join {{ ref('currencies') }} as currencies
        on judged.currency_code = currencies.currency_code
    -- What was archived before it was complete.
    where
        judged.status <> 'void'
        or (judged.source_customer_id is not null and judged.issue_date is not null)
)

select * from final
