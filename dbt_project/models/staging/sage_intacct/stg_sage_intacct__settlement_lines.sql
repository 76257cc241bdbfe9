-- grain: one row per detail of a payment and kind of what settles in it
-- A detail has one target, an invoice or a debit memo, and beside money may use a credit memo, a
-- negative invoice, an advance or an overpayment, each with a key and an amount of its own; a
-- discount has only an amount. An inline credit is a line of the invoice itself, which its total
-- has counted. Details of payments that are void, or not posted yet, settle nothing.
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
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'payment_details') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'payment_details')) }}
        and not is_deleted
),

details as (
    select
        latest.entity_id,
        latest.record_key as source_detail_id,
        latest.payload,
        {{ intacct_text('latest.payload', 'PAYMENTKEY') }} as payment_key,
        coalesce(
            {{ intacct_text('latest.payload', 'RECORDKEY') }},
            {{ intacct_text('latest.payload', 'POSADJKEY') }}
        ) as source_document_id,
        {{ intacct_day('latest.payload', 'PAYMENTDATE') }} as settled_on,
        latest.known_at
    from latest
    inner join listed
        on
            latest.entity_id = listed.entity_id
            and 'ARPYMTDETAIL/' || latest.record_key = listed.record_key
),

kinds as (
    select 'payment' as kind
    union all
    select 'discount' as kind
    union all
    select 'adjustment' as kind
    union all
    select 'negative_invoice' as kind
    union all
    select 'advance' as kind
    union all
    select 'overpayment' as kind
),

lines as (
    select
        details.entity_id,
        details.source_detail_id,
        kinds.kind,
        details.payment_key,
        case kinds.kind
            when 'payment' then details.payment_key
            when 'adjustment' then {{ intacct_text('details.payload', 'ADJUSTMENTKEY') }}
            when 'negative_invoice'
                then {{ intacct_text('details.payload', 'NEGATIVEINVOICEKEY') }}
            when 'advance' then {{ intacct_text('details.payload', 'POSTEDADVANCEKEY') }}
            when 'overpayment' then {{ intacct_text('details.payload', 'POSTEDOVERPAYMENTKEY') }}
        end as credit_key,
        details.source_document_id,
        case kinds.kind
            when 'payment' then {{ intacct_number('details.payload', 'TRX_PAYMENTAMOUNT') }}
            when 'discount' then {{ intacct_number('details.payload', 'TRX_DISCOUNTAMOUNT') }}
            when 'adjustment' then {{ intacct_number('details.payload', 'TRX_ADJUSTMENTAMOUNT') }}
            when 'negative_invoice'
                then {{ intacct_number('details.payload', 'TRX_NEGATIVEINVOICEAMOUNT') }}
            when 'advance'
                then {{ intacct_number('details.payload', 'TRX_POSTEDADVANCEAMOUNT') }}
            when 'overpayment'
                then {{ intacct_number('details.payload', 'TRX_POSTEDOVERPAYMENTAMOUNT') }}
        end as amount,
        details.settled_on,
        details.known_at
    from details
    cross join kinds
),

final as (
    select
        lines.entity_id,
        lines.source_detail_id,
        lines.kind,
        lines.payment_key,
        lines.credit_key,
        lines.source_document_id,
        -- A payment may settle documents of several customers.
        coalesce(documents.source_customer_id, money.source_customer_id) as source_customer_id,
        coalesce(
            documents.source_customer_id <> coalesce(money.source_customer_id, ''), false
        ) as is_of_another_customer,
        lines.amount,
        lines.settled_on,
        lines.known_at
    from lines
    left join {{ ref('stg_sage_intacct__money') }} as money
        on
            lines.entity_id = money.entity_id
            and lines.payment_key = money.source_record_id
    left join {{ ref('stg_sage_intacct__documents') }} as documents
        on
            lines.entity_id = documents.entity_id
            and lines.source_document_id = documents.source_document_id
    where
        lines.amount <> 0
        and coalesce(money.status, '') not in ('void', 'draft')
)

select * from final
