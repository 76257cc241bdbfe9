-- grain: one row per payment, overpayment or advance, in its latest version known on `known_on`
-- The list of payments may hold advances too: a number in both lists is one record. What is left of
-- a payment is an overpayment of its own, which names its payment: both are one receipt.
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
        'ARADVANCE' as object,
        entity_id,
        record_key,
        payload,
        {{ intacct_day('payload', 'PAYMENTDATE') }} as paid_on,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'advances') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'advances')) }}
        and not is_deleted
    union all
    select
        'ARPYMT' as object,
        entity_id,
        record_key,
        payload,
        {{ intacct_day('payload', 'WHENPAID') }} as paid_on,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'payments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'payments')) }}
        and not is_deleted
),

ranked as (
    select
        latest.*,
        row_number() over (
            partition by latest.entity_id, latest.record_key
            order by latest.object
        ) as list_rank
    from latest
    inner join listed
        on
            latest.entity_id = listed.entity_id
            and latest.object || '/' || latest.record_key = listed.record_key
),

typed as (
    select
        entity_id,
        record_key as source_record_id,
        case
            when object = 'ARADVANCE' then 'advance'
            -- The vendor's page on payments names the types of advances and overpayments.
            when {{ intacct_text('payload', 'RECORDTYPE') }} = 'rr' then 'advance'
            when {{ intacct_text('payload', 'RECORDTYPE') }} = 'ro' then 'overpayment'
            else 'payment'
        end as kind,
        {{ intacct_text('payload', 'PARENTPAYMENTKEY') }} as parent_record_id,
        {{ intacct_text('payload', 'CUSTOMERID') }} as source_customer_id,
        {{ intacct_text('payload', 'STATE') }} as source_state,
        {{ intacct_text('payload', 'RAWSTATE') }} as raw_state,
        coalesce({{ intacct_day('payload', 'RECEIPTDATE') }}, paid_on) as received_on,
        coalesce(
            {{ intacct_text('payload', 'CURRENCY') }}, {{ intacct_text('payload', 'BASECURR') }}
        ) as currency_code,
        coalesce(
            {{ intacct_text('payload', 'BASECURR') }}, {{ intacct_text('payload', 'CURRENCY') }}
        ) as base_currency,
        {{ intacct_number('payload', 'TRX_TOTALENTERED') }} as amount,
        {{ intacct_number('payload', 'TOTALENTERED') }} as company_amount,
        {{ intacct_text('payload', 'PAYMENTMETHOD') }} as method,
        {{ intacct_text('payload', 'DOCNUMBER') }} as reference,
        known_at
    from ranked
    where list_rank = 1
),

judged as (
    select
        typed.*,
        case
            when
                source_state in ('Reversed', 'Reversal', 'Voided')
                or raw_state in ('V', 'VP', 'X')
                then 'void'
            when source_state = 'Draft' or raw_state in ('D', 'S', 'PA', 'U') then 'draft'
            when source_state in ('Posted', 'Paid', 'Partially Paid') then 'posted'
            -- Approved, confirmed, delivered, quick delivery: money that came in.
            when raw_state in ('A', 'C', 'P', 'Q') then 'posted'
            else coalesce(source_state, raw_state, 'unknown')
        end as status
    from typed
),

final as (
    select
        judged.entity_id,
        judged.source_record_id,
        judged.kind,
        case
            when judged.kind = 'overpayment' and parents.source_record_id is not null
                then parents.source_record_id
            else judged.source_record_id
        end as source_payment_id,
        judged.source_customer_id,
        judged.status,
        judged.received_on,
        judged.currency_code,
        judged.base_currency,
        judged.amount,
        judged.company_amount,
        judged.method,
        judged.reference,
        judged.known_at
    from judged
    left join judged as parents
        on
            judged.entity_id = parents.entity_id
            and judged.parent_record_id = parents.source_record_id
            and parents.status = 'posted'
)

select * from final
