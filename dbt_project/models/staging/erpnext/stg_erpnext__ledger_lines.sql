-- grain: one row per voucher, voucher that it counts against, customer and currency
-- What a voucher does to another one in the Payment Ledger, net: rows against itself are its own. A
-- line settles what it counts against where that is open the other way round; else it is the
-- voucher's own too (an order that is paid in advance, an invoice that is settled twice). Rows that
-- are delinked, no longer listed, or of a cancelled voucher do not count, nor do exchange
-- differences, which have no amount in the currency of the account.
-- A table, unlike other staging models: four models read it, and giving rows their types from JSON
-- is most of their cost.
{{ config(materialized='table', post_hook="{{ gather_statistics(this) }}") }}

with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_erpnext', 'payment_ledger_entries') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'payment_ledger_entries')) }}
),

-- Reconciling deletes rows and writes others: only those whose name is listed are there.
listed as (
    select
        entity_id,
        record_key
    from {{ source('raw_erpnext', 'payment_ledger_names') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'payment_ledger_names')) }}
        and not is_deleted
),

vouchers as (
    select
        'Sales Invoice' as voucher_type,
        entity_id,
        record_key as voucher_no,
        payload
    from {{ source('raw_erpnext', 'sales_invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'sales_invoices')) }}
        and not is_deleted
    union all
    select
        'Payment Entry' as voucher_type,
        entity_id,
        record_key as voucher_no,
        payload
    from {{ source('raw_erpnext', 'payment_entries') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'payment_entries')) }}
        and not is_deleted
    union all
    select
        'Journal Entry' as voucher_type,
        entity_id,
        record_key as voucher_no,
        payload
    from {{ source('raw_erpnext', 'journal_entries') }} as versions
    where
        {{ is_latest_known('versions', source('raw_erpnext', 'journal_entries')) }}
        and not is_deleted
),

typed as (
    select
        entity_id,
        record_key,
        {{ json_text('payload', 'voucher_type') }} as voucher_type,
        {{ json_text('payload', 'voucher_no') }} as voucher_no,
        {{ json_text('payload', 'against_voucher_type') }} as against_type,
        {{ json_text('payload', 'against_voucher_no') }} as against_no,
        {{ json_text('payload', 'party') }} as source_customer_id,
        {{ json_text('payload', 'account_currency') }} as currency_code,
        cast({{ json_text('payload', 'amount_in_account_currency') }} as numeric) as amount,
        cast({{ json_text('payload', 'amount') }} as numeric) as company_amount,
        cast({{ json_text('payload', 'posting_date') }} as date) as posting_date,
        not is_deleted and {{ json_text('payload', 'delinked') }} = '0' as is_linked,
        known_at
    from latest
),

entries as (
    select
        typed.*,
        typed.is_linked
        and listed.record_key is not null
        and coalesce({{ json_text('vouchers.payload', 'docstatus') }}, '1') <> '2' as is_counted,
        {{ json_text('vouchers.payload', 'voucher_type') }} as journal_type,
        {{ json_text('vouchers.payload', 'mode_of_payment') }} as method,
        coalesce(
            {{ json_text('vouchers.payload', 'reference_no') }},
            {{ json_text('vouchers.payload', 'cheque_no') }}
        ) as reference
    from typed
    left join listed
        on
            typed.entity_id = listed.entity_id
            and typed.record_key = listed.record_key
    left join vouchers
        on
            typed.entity_id = vouchers.entity_id
            and typed.voucher_type = vouchers.voucher_type
            and typed.voucher_no = vouchers.voucher_no
),

-- A line is known since its first row was, whatever ERPNext wrote in its place since.
netted as (
    select
        entity_id,
        voucher_type,
        voucher_no,
        against_type,
        against_no,
        source_customer_id,
        currency_code,
        voucher_type = against_type and voucher_no = against_no as is_own,
        sum(case when is_counted then amount end) as amount,
        sum(case when is_counted then company_amount end) as company_amount,
        min(case when is_counted then posting_date end) as posting_date,
        max(journal_type) as journal_type,
        max(method) as method,
        nullif(max(reference), '') as reference,
        min(known_at) as known_at
    from entries
    group by
        entity_id,
        voucher_type,
        voucher_no,
        against_type,
        against_no,
        source_customer_id,
        currency_code
    having sum(case when is_counted then amount end) <> 0
),

-- Which item a voucher is, as a debit and as a credit. A journal entry may be one of each for every
-- customer and currency that it names; what the bank paid out is a refund.
sided as (
    select
        netted.*,
        case
            when voucher_type in ('Sales Invoice', 'Payment Entry') then voucher_no
            else voucher_no || '/' || source_customer_id || '/' || currency_code || '/debit'
        end as debit_id,
        case
            when voucher_type in ('Sales Invoice', 'Payment Entry') then voucher_no
            else voucher_no || '/' || source_customer_id || '/' || currency_code
        end as credit_id,
        case
            when voucher_type = 'Payment Entry' then 'payment'
            when journal_type in ('Bank Entry', 'Cash Entry', 'Credit Card Entry') then 'payment'
            else 'document'
        end as debit_kind,
        case
            when voucher_type = 'Sales Invoice' then 'document'
            when journal_type = 'Credit Note' then 'document'
            else 'payment'
        end as credit_kind
    from netted
),

final as (
    select
        {{ surrogate_key([
            'lines.entity_id',
            'lines.voucher_type',
            'lines.voucher_no',
            'lines.against_type',
            'lines.against_no',
            'lines.source_customer_id',
            'lines.currency_code'
        ]) }} as record_key,
        lines.entity_id,
        lines.voucher_type,
        lines.voucher_no,
        lines.source_customer_id,
        lines.currency_code,
        lines.debit_id,
        lines.debit_kind,
        lines.credit_id,
        lines.credit_kind,
        lines.journal_type,
        lines.method,
        lines.reference,
        lines.posting_date,
        lines.amount,
        lines.company_amount,
        case when lines.amount < 0 then settled.debit_id else settled.credit_id end
            as settled_id,
        case when lines.amount < 0 then settled.debit_kind else settled.credit_kind end
            as settled_kind,
        settled.posting_date as settled_date,
        abs(settled.amount) as settled_room,
        lines.known_at
    from sided as lines
    left join sided as settled
        on
            settled.is_own
            and not lines.is_own
            and lines.entity_id = settled.entity_id
            and lines.against_type = settled.voucher_type
            and lines.against_no = settled.voucher_no
            and lines.source_customer_id = settled.source_customer_id
            and lines.currency_code = settled.currency_code
            and sign(lines.amount) = -sign(settled.amount)
)

select * from final
