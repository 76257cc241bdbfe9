-- grain: one row per payment or refund, customer and currency
-- Dolibarr tells the part of each invoice: together they are the payment.
with settlements as (
    select
        entity_id,
        source_payment_id,
        source_customer_id,
        settlement_kind,
        settled_on,
        source_type,
        reference,
        currency_code,
        company_amount,
        amount,
        is_estimated,
        known_at
    from {{ ref('stg_dolibarr__settlements') }}
    where settlement_kind in ('receipt', 'refund')
),

totals as (
    select
        entity_id,
        source_payment_id,
        source_customer_id,
        settlement_kind,
        currency_code,
        min(settled_on) as payment_date,
        min(source_type) as method,
        min(reference) as reference,
        sum(amount) as amount,
        sum(company_amount) as company_amount,
        bool_or(is_estimated) as is_converted,
        min(known_at) as known_at
    from settlements
    group by entity_id, source_payment_id, source_customer_id, settlement_kind, currency_code
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_payment_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        settlement_kind as payment_type,
        payment_date,
        currency_code,
        amount,
        case
            when not is_converted then 1
            else round(company_amount / nullif(amount, 0), 12)
        end as exchange_rate,
        method,
        nullif(reference, '') as reference,
        known_at
    from totals
)

select * from final
