-- grain: one row per sales invoice or return, and per debit or credit note of a journal entry
-- Amounts are in the currency of the receivable account, in which ERPNext keeps what is open: that
-- of the invoice, or that of the company (DECISIONS.md). What an invoice itself settles (point of
-- sale, write-off) is not in the ledger as a line of its own: it is what its lines lack.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_erpnext', 'sales_invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'sales_invoices')) }}
        and not is_deleted
),

typed as (
    select
        latest.entity_id,
        latest.record_key as source_document_id,
        entities.base_currency,
        {{ json_text('latest.payload', 'customer') }} as source_customer_id,
        cast({{ json_text('latest.payload', 'posting_date') }} as date) as issue_date,
        cast({{ json_text('latest.payload', 'due_date') }} as date) as due_date,
        {{ json_text('latest.payload', 'currency') }} as invoice_currency,
        coalesce(
            nullif({{ json_text('latest.payload', 'party_account_currency') }}, ''),
            {{ json_text('latest.payload', 'currency') }}
        ) as currency_code,
        cast({{ json_text('latest.payload', 'conversion_rate') }} as numeric) as conversion_rate,
        -- The rounded total is 0 where a site does not round.
        coalesce(
            nullif(cast({{ json_text('latest.payload', 'rounded_total') }} as numeric), 0),
            cast({{ json_text('latest.payload', 'grand_total') }} as numeric)
        ) as total_amount,
        coalesce(
            nullif(cast({{ json_text('latest.payload', 'base_rounded_total') }} as numeric), 0),
            cast({{ json_text('latest.payload', 'base_grand_total') }} as numeric)
        ) as company_total_amount,
        cast({{ json_text('latest.payload', 'net_total') }} as numeric) as net_amount,
        cast({{ json_text('latest.payload', 'base_net_total') }} as numeric)
            as company_net_amount,
        coalesce(cast({{ json_text('latest.payload', 'write_off_amount') }} as numeric), 0)
            as written_off_amount,
        coalesce(cast({{ json_text('latest.payload', 'base_write_off_amount') }} as numeric), 0)
            as company_written_off_amount,
        cast({{ json_text('latest.payload', 'outstanding_amount') }} as numeric)
            as outstanding_amount,
        {{ json_text('latest.payload', 'is_pos') }} = '1' as is_point_of_sale,
        {{ json_text('latest.payload', 'is_return') }} = '1' as is_return,
        nullif({{ json_text('latest.payload', 'return_against') }}, '')
            as source_credited_document_id,
        case {{ json_text('latest.payload', 'docstatus') }}
            when '1' then 'posted'
            when '2' then 'void'
            else 'draft'
        end as status,
        latest.known_at
    from latest
    inner join {{ ref('stg_erpnext__entities') }} as entities
        on latest.entity_id = entities.entity_id
),

signed as (
    select
        typed.*,
        case when currency_code = invoice_currency then total_amount else company_total_amount end
            as amount,
        case when currency_code = invoice_currency then net_amount else company_net_amount end
            as amount_excl_tax,
        abs(
            case
                when currency_code = invoice_currency then written_off_amount
                else company_written_off_amount
            end
        ) as told_write_off,
        case when is_return or total_amount < 0 then -1 else 1 end as sign
    from typed
),

lines_of_invoices as (
    select
        entity_id,
        voucher_no,
        sum(amount) as amount
    from {{ ref('stg_erpnext__ledger_lines') }}
    where voucher_type = 'Sales Invoice'
    group by entity_id, voucher_no
),

settled as (
    select
        signed.*,
        case
            when
                signed.status = 'posted'
                and (signed.is_point_of_sale or signed.told_write_off <> 0)
                then
                    least(
                        greatest(
                            (signed.amount - coalesce(lines_of_invoices.amount, 0)) * signed.sign,
                            0
                        ),
                        abs(signed.amount)
                    )
            else 0
        end as settled_at_once
    from signed
    left join lines_of_invoices
        on
            signed.entity_id = lines_of_invoices.entity_id
            and signed.source_document_id = lines_of_invoices.voucher_no
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_document_id']) }} as record_key,
        cast(null as bigint) as line_no,
        entity_id,
        source_document_id,
        case sign when 1 then 'invoice' else 'credit_note' end as document_type,
        source_document_id as document_number,
        source_customer_id,
        issue_date,
        case sign when 1 then due_date end as due_date,
        currency_code,
        abs(amount) as amount_incl_tax,
        abs(amount_excl_tax) as amount_excl_tax,
        case
            when currency_code = base_currency then 1
            when currency_code = invoice_currency then conversion_rate
        end as exchange_rate,
        source_credited_document_id,
        status,
        {{ json_object('null') }} as custom_attributes,
        -- Less than nothing is open of an invoice that was settled twice: here the rest stays with
        -- what settled it.
        case when status = 'posted' then greatest(outstanding_amount * sign, 0) end
            as source_open_amount,
        case sign when 1 then least(told_write_off, settled_at_once) else 0 end
            as written_off_at_once,
        settled_at_once
        - case sign when 1 then least(told_write_off, settled_at_once) else 0 end
            as paid_at_once,
        known_at
    from settled
    union all
    select
        record_key,
        cast(null as bigint) as line_no,
        entity_id,
        item_id as source_document_id,
        case side when 'debit' then 'invoice' else 'credit_note' end as document_type,
        voucher_no as document_number,
        source_customer_id,
        item_date as issue_date,
        cast(null as date) as due_date,
        currency_code,
        amount as amount_incl_tax,
        cast(null as numeric) as amount_excl_tax,
        exchange_rate,
        cast(null as text) as source_credited_document_id,
        'posted' as status,
        {{ json_object('null') }} as custom_attributes,
        cast(null as numeric) as source_open_amount,
        0 as written_off_at_once,
        0 as paid_at_once,
        known_at
    from {{ ref('stg_erpnext__items') }}
    where item_kind = 'document'
)

select * from final
