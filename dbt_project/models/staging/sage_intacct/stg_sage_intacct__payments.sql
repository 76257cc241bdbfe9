-- grain: one row per receipt, and per other customer whose documents it settles
-- How much money came is told by what it settled, and by what is left of it: a payment that only
-- uses credits brought none. What settles nothing, and advances, came as a whole.
with lines as (
    select
        entity_id,
        kind,
        payment_key,
        source_customer_id,
        is_of_another_customer,
        amount,
        settled_on
    from {{ ref('stg_sage_intacct__settlement_lines') }}
),

money as (
    select
        entity_id,
        source_record_id,
        kind,
        source_payment_id,
        source_customer_id,
        status,
        received_on,
        currency_code,
        base_currency,
        amount,
        company_amount,
        method,
        reference,
        known_at
    from {{ ref('stg_sage_intacct__money') }}
    where status not in ('void', 'draft')
),

told_payments as (
    select
        entity_id,
        payment_key as source_record_id
    from lines
    group by entity_id, payment_key
    union
    select
        entity_id,
        source_payment_id as source_record_id
    from money
    where source_payment_id <> source_record_id
),

parts as (
    select
        entity_id,
        payment_key as source_payment_id,
        source_customer_id,
        is_of_another_customer,
        amount,
        settled_on
    from lines
    where kind = 'payment'
    union all
    select
        money.entity_id,
        money.source_payment_id,
        money.source_customer_id,
        false as is_of_another_customer,
        money.amount,
        cast(null as date) as settled_on
    from money
    left join told_payments
        on
            money.entity_id = told_payments.entity_id
            and money.source_record_id = told_payments.source_record_id
    where
        money.kind <> 'payment'
        or told_payments.source_record_id is null
        or money.status <> 'posted'
),

receipts as (
    select
        entity_id,
        source_payment_id,
        source_customer_id,
        bool_or(is_of_another_customer) as is_of_another_customer,
        sum(amount) as amount,
        min(settled_on) as settled_on
    from parts
    group by entity_id, source_payment_id, source_customer_id
),

-- A payment and what is left of it have each their own company amount, rounded.
stated as (
    select
        entity_id,
        source_payment_id,
        sum(amount) as amount,
        sum(company_amount) as company_amount
    from money
    group by entity_id, source_payment_id
),

named as (
    select
        receipts.*,
        case
            when receipts.is_of_another_customer
                then receipts.source_payment_id || '-' || receipts.source_customer_id
            else receipts.source_payment_id
        end as source_receipt_id
    from receipts
),

final as (
    select
        {{ surrogate_key(['named.entity_id', 'named.source_receipt_id']) }} as record_key,
        cast(null as integer) as line_no,
        named.entity_id,
        named.source_receipt_id as source_payment_id,
        named.source_customer_id,
        case
            -- A state that was not seen before, or money that went out: the checks refuse it.
            when money.status <> 'posted' then 'state ' || money.status
            when named.amount < 0 then 'below zero'
            else 'receipt'
        end as payment_type,
        coalesce(money.received_on, named.settled_on) as payment_date,
        money.currency_code,
        abs(named.amount) as amount,
        case
            when money.currency_code = entities.base_currency then 1
            when money.base_currency <> entities.base_currency then null
            else stated.company_amount / nullif(stated.amount, 0)
        end as exchange_rate,
        money.method,
        money.reference,
        money.known_at
    from named
    inner join money
        on
            named.entity_id = money.entity_id
            and named.source_payment_id = money.source_record_id
    inner join stated
        on
            named.entity_id = stated.entity_id
            and named.source_payment_id = stated.source_payment_id
    left join {{ ref('stg_sage_intacct__entities') }} as entities
        on named.entity_id = entities.entity_id
    where
        named.amount <> 0
        or money.status <> 'posted'
)

select * from final
