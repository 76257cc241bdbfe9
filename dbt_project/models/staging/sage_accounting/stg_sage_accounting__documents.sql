-- grain: one row per invoice or credit note, in its latest version known on `known_on`
-- Documents come from four listings: sales invoices, credit notes, quick entries (invoices or
-- credit notes in one line), and what customers owed when the books began. Should an id be in two
-- of them, it is one document, told by the listing that knows more. Drafts and proformas are left
-- out.
with listed as (
    select
        'sales_invoices' as stream,
        1 as stream_rank,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'sales_invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'sales_invoices')) }}
        and not is_deleted
    union all
    select
        'sales_credit_notes' as stream,
        2 as stream_rank,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'sales_credit_notes') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'sales_credit_notes')) }}
        and not is_deleted
    union all
    select
        'sales_quick_entries' as stream,
        3 as stream_rank,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'sales_quick_entries') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'sales_quick_entries')) }}
        and not is_deleted
    union all
    select
        'contact_opening_balances' as stream,
        4 as stream_rank,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'contact_opening_balances') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'contact_opening_balances')) }}
        and not is_deleted
),

latest as (
    select
        listed.*,
        row_number() over (
            partition by entity_id, record_key
            order by stream_rank
        ) as listing_rank
    from listed
),

typed as (
    select
        entity_id,
        record_key as source_document_id,
        stream,
        -- A type that the vendor did not use before stays as it is: the checks refuse it.
        case stream
            when 'sales_invoices' then 'INVOICE'
            when 'sales_credit_notes' then 'CREDIT_NOTE'
            else
                coalesce(
                    {{ json_text(json_part('payload', 'quick_entry_type'), 'id') }},
                    {{ json_text(json_part('payload', 'contact_opening_balance_type'), 'id') }},
                    {{ json_text(json_part('payload', 'transaction_type'), 'id') }}
                )
        end as source_type,
        case stream
            when 'sales_invoices'
                then
                    coalesce({{ json_text('payload', 'invoice_number_prefix') }}, '')
                    || {{ json_text('payload', 'invoice_number') }}
            when 'sales_credit_notes'
                then
                    coalesce({{ json_text('payload', 'credit_note_number_prefix') }}, '')
                    || {{ json_text('payload', 'credit_note_number') }}
            else {{ json_text('payload', 'reference') }}
        end as source_number,
        {{ json_text('payload', 'displayed_as') }} as displayed_as,
        {{ json_text(json_part('payload', 'contact'), 'id') }} as source_customer_id,
        cast({{ json_text('payload', 'date') }} as date) as issue_date,
        cast({{ json_text('payload', 'due_date') }} as date) as due_date,
        {{ json_text(json_part('payload', 'currency'), 'id') }} as currency_code,
        cast({{ json_text('payload', 'total_amount') }} as numeric) as signed_amount,
        cast({{ json_text('payload', 'net_amount') }} as numeric) as signed_amount_excl_tax,
        cast({{ json_text('payload', 'base_currency_total_amount') }} as numeric)
            as signed_company_amount,
        cast({{ json_text('payload', 'exchange_rate') }} as numeric) as stated_rate,
        cast({{ json_text('payload', 'outstanding_amount') }} as numeric) as outstanding_amount,
        -- Opening balances have no status: they are posted, or deleted.
        case
            when nullif({{ json_text('payload', 'void_reason') }}, '') is not null then 'VOID'
            when
                stream = 'contact_opening_balances'
                and {{ json_text(json_part('payload', 'status'), 'id') }} is null
                then 'UNPAID'
            else {{ json_text(json_part('payload', 'status'), 'id') }}
        end as source_status,
        known_at
    from latest
    where listing_rank = 1
),

judged as (
    select
        typed.*,
        case
            when right(source_type, 11) = 'CREDIT_NOTE' then 'credit_note'
            -- A negative invoice is a credit, whatever it is called.
            when right(source_type, 7) = 'INVOICE' and signed_amount < 0 then 'credit_note'
            when right(source_type, 7) = 'INVOICE' then 'invoice'
            else coalesce(source_type, 'unknown')
        end as document_type,
        case
            when source_status = 'VOID' then 'void'
            when source_status in ('UNPAID', 'PART_PAID', 'PAID') then 'posted'
            -- A word that the vendor did not use before, or none: the checks refuse it.
            else coalesce(source_status, 'unknown')
        end as status
    from typed
    where coalesce(source_status, '') not in ('DRAFT', 'PRO_FORMA')
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_document_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_document_id,
        document_type,
        coalesce(nullif(source_number, ''), nullif(displayed_as, '')) as document_number,
        source_customer_id,
        issue_date,
        due_date,
        currency_code,
        abs(signed_amount) as amount_incl_tax,
        abs(signed_amount_excl_tax) as amount_excl_tax,
        -- Which way round `exchange_rate` is, the specification does not say; both amounts it
        -- gives. Where both are zero, no figure depends on the rate.
        case
            when signed_company_amount = signed_amount then 1
            when signed_amount = 0 then stated_rate
            else signed_company_amount / signed_amount
        end as exchange_rate,
        cast(null as text) as source_credited_document_id,
        status,
        {{ json_object('null') }} as custom_attributes,
        case when status = 'posted' then abs(outstanding_amount) end as source_open_amount,
        known_at
    from judged
)

select * from final
