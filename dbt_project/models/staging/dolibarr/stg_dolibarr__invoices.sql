-- grain: one row per invoice, in its latest version known on `known_on`
-- Amounts positive, in the currency of the invoice; `_company_amount` in that of the company. A
-- proforma (type 4) is an order with the look of an invoice: it is left out.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_dolibarr', 'invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_dolibarr', 'invoices')) }}
        and not is_deleted
),

typed as (
    select
        entity_id,
        record_key as source_document_id,
        {{ json_text('payload', 'ref') }} as document_number,
        {{ json_text('payload', 'socid') }} as source_customer_id,
        {{ json_text('payload', 'type') }} as invoice_type,
        coalesce({{ json_text('payload', 'status') }}, {{ json_text('payload', 'statut') }})
            as source_status,
        nullif({{ json_text('payload', 'close_code') }}, '') as close_code,
        {{ dolibarr_day(json_text('payload', 'date')) }} as issue_date,
        {{ dolibarr_day(json_text('payload', 'date_lim_reglement')) }} as due_date,
        nullif({{ json_text('payload', 'multicurrency_code') }}, '') as stated_currency,
        {{ dolibarr_amount('payload', 'total_ttc') }} as signed_company_amount,
        {{ dolibarr_amount('payload', 'total_ht') }} as signed_company_net,
        {{ dolibarr_amount('payload', 'multicurrency_total_ttc') }} as signed_stated_amount,
        {{ dolibarr_amount('payload', 'multicurrency_total_ht') }} as signed_stated_net,
        {{ dolibarr_amount('payload', 'multicurrency_tx') }} as stated_per_company,
        {{ dolibarr_amount('payload', 'remaintopay') }} as remaining_company_amount,
        -- The sum of nothing is null.
        coalesce({{ dolibarr_amount('payload', 'totalpaid') }}, 0) <> 0
        or coalesce({{ dolibarr_amount('payload', 'totalcreditnotes') }}, 0) <> 0
        or coalesce({{ dolibarr_amount('payload', 'totaldeposits') }}, 0) <> 0
            as is_settled_in_part,
        nullif({{ json_text('payload', 'fk_facture_source') }}, '') as source_named_document_id,
        known_at
    from latest
),

final as (
    select
        typed.entity_id,
        typed.source_document_id,
        typed.document_number,
        typed.source_customer_id,
        typed.invoice_type,
        case
            when typed.invoice_type = '2' or typed.signed_company_amount < 0 then 'credit_note'
            when typed.invoice_type in ('0', '1', '3', '5') then 'invoice'
            -- A type that Dolibarr did not have before: the checks of documents refuse it.
            else typed.invoice_type
        end as document_type,
        typed.source_status,
        typed.close_code,
        case
            when typed.source_status = '0' then 'draft'
            when typed.source_status = '3' and typed.close_code = 'replaced' then 'void'
            when typed.source_status in ('1', '2', '3') then 'posted'
            else typed.source_status
        end as status,
        typed.issue_date,
        typed.due_date,
        entities.base_currency,
        coalesce(typed.stated_currency, entities.base_currency) as currency_code,
        abs(case
            when coalesce(typed.stated_currency, entities.base_currency) = entities.base_currency
                then typed.signed_company_amount
            else typed.signed_stated_amount
        end) as amount_incl_tax,
        abs(case
            when coalesce(typed.stated_currency, entities.base_currency) = entities.base_currency
                then typed.signed_company_net
            else typed.signed_stated_net
        end) as amount_excl_tax,
        abs(typed.signed_company_amount) as company_amount,
        -- Dolibarr keeps the currency of the invoice per that of the company.
        case
            when coalesce(typed.stated_currency, entities.base_currency) = entities.base_currency
                then 1
            when typed.signed_stated_amount <> 0
                then round(typed.signed_company_amount / typed.signed_stated_amount, 12)
            else round(1 / nullif(typed.stated_per_company, 0), 12)
        end as exchange_rate,
        typed.remaining_company_amount,
        typed.is_settled_in_part,
        typed.source_named_document_id,
        typed.known_at
    from typed
    inner join {{ ref('stg_dolibarr__entities') }} as entities
        on typed.entity_id = entities.entity_id
    where typed.invoice_type <> '4'
)

select * from final
