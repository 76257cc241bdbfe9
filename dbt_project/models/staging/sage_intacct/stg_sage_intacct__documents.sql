-- grain: one row per invoice, credit memo or debit memo, in its latest version known on `known_on`
-- An adjustment below zero is a credit memo, above zero a debit memo (the vendor's page on
-- adjustments); an invoice below zero is a credit too. An invoice that was reversed and the
-- reversal that undoes it owe nothing, both void. Only records whose number is still listed are
-- there.
with listed as (
    select
        entity_id,
        record_key
    from {{ source('raw_sage_intacct', 'record_ids') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'record_ids')) }}
        and not is_deleted
),

latest as (
    select
        'ARINVOICE' as object,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'invoices')) }}
        and not is_deleted
    union all
    select
        'ARADJUSTMENT' as object,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'adjustments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'adjustments')) }}
        and not is_deleted
),

typed as (
    select
        latest.object,
        latest.entity_id,
        latest.record_key as source_document_id,
        coalesce(
            {{ intacct_text('latest.payload', 'RECORDID') }},
            {{ intacct_text('latest.payload', 'DOCNUMBER') }}
        ) as document_number,
        {{ intacct_text('latest.payload', 'CUSTOMERID') }} as source_customer_id,
        {{ intacct_day('latest.payload', 'WHENCREATED') }} as issue_date,
        {{ intacct_day('latest.payload', 'WHENDUE') }} as due_date,
        {{ intacct_text('latest.payload', 'STATE') }} as source_state,
        {{ intacct_text('latest.payload', 'RAWSTATE') }} as raw_state,
        -- A company with one currency need not say it twice.
        coalesce(
            {{ intacct_text('latest.payload', 'CURRENCY') }},
            {{ intacct_text('latest.payload', 'BASECURR') }}
        ) as currency_code,
        coalesce(
            {{ intacct_text('latest.payload', 'BASECURR') }},
            {{ intacct_text('latest.payload', 'CURRENCY') }}
        ) as base_currency,
        {{ intacct_number('latest.payload', 'TRX_TOTALENTERED') }} as signed_amount,
        {{ intacct_number('latest.payload', 'TOTALENTERED') }} as signed_company_amount,
        {{ intacct_number('latest.payload', 'TRX_TOTALDUE') }} as signed_open_amount,
        {{ intacct_number('latest.payload', 'EXCHANGE_RATE') }} as stated_rate,
        latest.known_at
    from latest
    inner join listed
        on
            latest.entity_id = listed.entity_id
            and latest.object || '/' || latest.record_key = listed.record_key
),

judged as (
    select
        typed.*,
        case
            when source_state in ('Reversed', 'Reversal') or raw_state in ('V', 'X') then 'void'
            when source_state = 'Draft' or raw_state in ('D', 'S', 'PA', 'U') then 'draft'
            when source_state in ('Posted', 'Paid', 'Partially Paid', 'No Value') then 'posted'
            -- Approved, which is what the three states of a posted invoice are.
            when raw_state = 'A' then 'posted'
            -- A word that was not seen before, or none: the checks refuse it.
            else coalesce(source_state, raw_state, 'unknown')
        end as status,
        case
            when signed_amount < 0 then 'credit_note'
            when signed_amount = 0 and object = 'ARADJUSTMENT' then 'credit_note'
            else 'invoice'
        end as document_type
    from typed
),

final as (
    select
        {{ surrogate_key(['judged.entity_id', 'judged.source_document_id']) }} as record_key,
        cast(null as integer) as line_no,
        judged.entity_id,
        judged.source_document_id,
        judged.document_type,
        judged.document_number,
        judged.source_customer_id,
        judged.issue_date,
        judged.due_date,
        judged.currency_code,
        abs(judged.signed_amount) as amount_incl_tax,
        cast(null as numeric) as amount_excl_tax,
        case
            when judged.currency_code = entities.base_currency then 1
            -- Company amounts in another currency than the entity's say nothing of its rate.
            when judged.base_currency <> entities.base_currency then null
            -- Which way round the stated rate is does not matter to nothing.
            when judged.signed_amount = 0 then judged.stated_rate
            else judged.signed_company_amount / judged.signed_amount
        end as exchange_rate,
        cast(null as text) as source_credited_document_id,
        judged.status,
        {{ json_object('null') }} as custom_attributes,
        case when judged.status = 'posted' then abs(judged.signed_open_amount) end
            as source_open_amount,
        judged.known_at
    from judged
    left join {{ ref('stg_sage_intacct__entities') }} as entities
        on judged.entity_id = entities.entity_id
    -- What is not posted yet may miss anything.
    where
        judged.status <> 'draft'
        or (judged.source_customer_id is not null and judged.issue_date is not null)
)

select * from final
