-- grain: one row per receipt or refund, and per other currency in which it settles something
with lines as (
    select
        entity_id,
        source_line_id,
        source_item_id,
        source_customer_id,
        case when amount < 0 then 'receipt' else 'refund' end as payment_type,
        item_date,
        base_currency,
        currency_code,
        abs(amount) as amount,
        company_amount / amount as rate,
        journal_name,
        reference,
        known_at
    from {{ ref('stg_odoo__receivable_lines') }}
    where
        item_kind = 'payment'
        and status = 'posted'
        and amount <> 0
),

converted_amounts as (
    select
        entity_id,
        case converts when 'credit' then source_credit_line_id else source_debit_line_id end
            as source_line_id,
        case converts when 'credit' then debit_currency else credit_currency end
            as currency_code,
        case converts when 'credit' then debit_amount else credit_amount end as amount,
        case converts when 'credit' then credit_amount else debit_amount end as used_amount
    from {{ ref('stg_odoo__matches') }}
    where converts is not null
),

conversions as (
    select
        entity_id,
        source_line_id,
        currency_code,
        sum(amount) as amount,
        sum(used_amount) as used_amount
    from converted_amounts
    group by entity_id, source_line_id, currency_code
),

conversions_of_lines as (
    select
        entity_id,
        source_line_id,
        sum(used_amount) as used_amount
    from conversions
    group by entity_id, source_line_id
),

-- The parts keep the company amount of the whole: each has the rate that gives it.
parts as (
    select
        lines.entity_id,
        lines.source_line_id,
        lines.source_item_id as source_payment_id,
        lines.currency_code,
        lines.amount - coalesce(conversions_of_lines.used_amount, 0) as amount,
        lines.rate
    from lines
    left join conversions_of_lines
        on
            lines.entity_id = conversions_of_lines.entity_id
            and lines.source_line_id = conversions_of_lines.source_line_id
    union all
    select
        lines.entity_id,
        lines.source_line_id,
        lines.source_item_id || '-' || conversions.currency_code as source_payment_id,
        conversions.currency_code,
        conversions.amount,
        conversions.used_amount * lines.rate / conversions.amount as rate
    from lines
    inner join conversions
        on
            lines.entity_id = conversions.entity_id
            and lines.source_line_id = conversions.source_line_id
),

final as (
    select
        {{ surrogate_key(['parts.entity_id', 'parts.source_payment_id']) }} as record_key,
        cast(null as bigint) as line_no,
        parts.entity_id,
        parts.source_payment_id,
        lines.source_customer_id,
        lines.payment_type,
        lines.item_date as payment_date,
        parts.currency_code,
        parts.amount,
        case
            when parts.currency_code = lines.base_currency then 1
            else round(parts.rate, 12)
        end as exchange_rate,
        lines.journal_name as method,
        lines.reference,
        lines.known_at
    from parts
    inner join lines
        on
            parts.entity_id = lines.entity_id
            and parts.source_line_id = lines.source_line_id
    where parts.amount > 0
)

select * from final
