-- grain: one row per payment of any source, with the reason why it cannot be used, if any
-- Of the customers that this build works out: what was published of the others was good.
with named_payments as (
    select
        gathered.*,
        {{ surrogate_key(['source', 'entity_id', "coalesce(source_customer_id, '')"]) }}
            as customer_id
    from {{ ref('int_gathered_payments') }} as gathered
),

payments as (
    select named_payments.*
    from named_payments
    inner join {{ ref('int_changed_customers') }} as changed_customers
        on named_payments.customer_id = changed_customers.customer_id
),

final as (
    select
        payments.source,
        payments.record_key,
        payments.line_no,
        {{ surrogate_key([
            'payments.source', 'payments.entity_id', "'payment'", 'payments.source_payment_id'
        ]) }}
            as payment_key,
        payments.entity_id,
        payments.source_payment_id,
        payments.source_customer_id,
        customers.customer_id,
        payments.payment_type,
        payments.payment_date,
        payments.currency_code,
        payments.amount,
        coalesce(
            payments.exchange_rate,
            case when payments.currency_code = entities.base_currency then 1 end
        ) as exchange_rate,
        payments.reference,
        payments.known_at,
        case
            when customers.customer_id is null then 'customer_id'
            when payments.payment_type not in ('receipt', 'refund') then 'payment_type'
            when payments.payment_date is null then 'payment_date'
            when payments.currency_code is null then 'currency_code'
            when payments.amount is null then 'amount'
            when
                payments.exchange_rate is null
                and payments.currency_code <> entities.base_currency
                then 'exchange_rate'
            when
                payments.exchange_rate <> 1
                and payments.currency_code = entities.base_currency
                then 'exchange_rate'
        end as refused_column,
        case
            when customers.customer_id is null
                then
                    'customer ' || coalesce(payments.source_customer_id, '(none)')
                    || ' is not in customers: add it there or correct the payment'
            -- The reading of flat files refuses these; an API may come with a new word.
            when payments.payment_type not in ('receipt', 'refund')
                then
                    'type ' || payments.payment_type
                    || ' is not known: nobody can tell which way the payment counts'
            when payments.payment_date is null
                then 'a payment without a date: give it one in the source'
            when payments.currency_code is null
                then 'a payment without a currency: give it one in the source'
            when payments.amount is null
                then 'a payment without an amount: give it one in the source'
            when
                payments.exchange_rate is null
                and payments.currency_code <> entities.base_currency
                then
                    'amount in ' || payments.currency_code || ' without exchange_rate to '
                    || entities.base_currency || ': give the rate of the payment'
            when
                payments.exchange_rate <> 1
                and payments.currency_code = entities.base_currency
                then
                    'exchange_rate of ' || entities.base_currency
                    || ' to itself is not 1: correct the rate or the currency_code'
        end as refused_reason
    from payments
    left join {{ ref('int_entities') }} as entities
        on payments.entity_id = entities.entity_id
    left join {{ ref('int_customers') }} as customers
        on payments.customer_id = customers.customer_id
)

select * from final
