-- grain: one row per bank transaction or ledger line, customer and currency of what it settles
-- A payment belongs to one customer and has one currency: a transaction that settles documents of
-- several is one payment for each. What a transaction leaves open belongs to the first of them; of
-- a line of the ledger it is told.
with shares as (
    select
        entity_id,
        settling_id as source_transaction_id,
        source_customer_id,
        currency_code,
        max(exchange_rate) as exchange_rate,
        sum(amount) as allocated_amount,
        sum(rest_amount) as rest_amount,
        max(transaction_date) as transaction_date,
        max(transaction_currency) as transaction_currency,
        max(transaction_amount) as transaction_amount,
        max(transaction_company_amount) as transaction_company_amount,
        bool_or(is_refund) as is_refund,
        max(label) as label,
        min(known_at) as known_at
    from {{ ref('stg_pennylane__settlements') }}
    where source_type = 'payment'
    group by entity_id, settling_id, source_customer_id, currency_code
),

counted as (
    select
        shares.*,
        count(*) over (partition by entity_id, source_transaction_id) as share_count,
        row_number() over (
            partition by entity_id, source_transaction_id
            order by source_customer_id, currency_code
        ) as share_no,
        sum(allocated_amount) over (partition by entity_id, source_transaction_id)
            as allocated_in_all,
        min(currency_code) over (partition by entity_id, source_transaction_id)
        = transaction_currency
        and max(currency_code) over (partition by entity_id, source_transaction_id)
        = transaction_currency as is_one_currency
    from shares
),

measured as (
    select
        counted.*,
        case
            when rest_amount is not null then allocated_amount + rest_amount
            when share_count = 1 and is_one_currency then transaction_amount
            when is_one_currency and share_no = 1
                then allocated_amount + transaction_amount - allocated_in_all
            -- In another currency it is worth what it settled.
            when allocated_in_all = 0 and share_no = 1
                then round(transaction_company_amount / nullif(exchange_rate, 0), 2)
            else allocated_amount
        end as amount
    from counted
),

final as (
    select
        {{ surrogate_key([
            'entity_id',
            'source_transaction_id',
            "coalesce(source_customer_id, '')",
            'currency_code'
        ]) }}
            as record_key,
        cast(null as integer) as line_no,
        entity_id,
        case
            when share_count = 1 then source_transaction_id
            else
                source_transaction_id || '/' || coalesce(source_customer_id, '')
                || '/' || currency_code
        end as source_payment_id,
        source_customer_id,
        case when is_refund then 'refund' else 'receipt' end as payment_type,
        transaction_date as payment_date,
        currency_code,
        amount,
        case
            when currency_code = 'EUR' then 1
            when currency_code = transaction_currency
                then transaction_company_amount / transaction_amount
            when share_count = 1 then transaction_company_amount / nullif(amount, 0)
            else exchange_rate
        end as exchange_rate,
        cast(null as text) as method,
        label as reference,
        known_at
    from measured
    where
        share_count = 1
        or amount > 0
)

select * from final
