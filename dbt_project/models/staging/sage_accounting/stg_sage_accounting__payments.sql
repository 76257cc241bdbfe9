-- grain: one row per receipt or refund, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_accounting', 'contact_payments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_accounting', 'contact_payments')) }}
        and not is_deleted
),

typed as (
    select
        entity_id,
        record_key as source_payment_id,
        {{ json_text(json_part('payload', 'contact'), 'id') }} as source_customer_id,
        {{ json_text(json_part('payload', 'transaction_type'), 'id') }} as source_type,
        cast({{ json_text('payload', 'date') }} as date) as payment_date,
        {{ json_text(json_part('payload', 'currency'), 'id') }} as currency_code,
        abs(cast({{ json_text('payload', 'total_amount') }} as numeric)) as amount,
        abs(cast({{ json_text('payload', 'base_currency_total_amount') }} as numeric))
            as company_amount,
        {{ json_text(json_part('payload', 'payment_method'), 'id') }} as method,
        nullif({{ json_text('payload', 'reference') }}, '') as reference,
        known_at
    from latest
),

final as (
    select
        {{ surrogate_key(['entity_id', 'source_payment_id']) }} as record_key,
        cast(null as integer) as line_no,
        entity_id,
        source_payment_id,
        source_customer_id,
        case source_type
            when 'CUSTOMER_RECEIPT' then 'receipt'
            when 'CUSTOMER_REFUND' then 'refund'
            -- Only these two are asked for: the checks refuse any other.
            else coalesce(source_type, 'unknown')
        end as payment_type,
        payment_date,
        currency_code,
        amount,
        case
            when company_amount = amount then 1
            else company_amount / amount
        end as exchange_rate,
        method,
        reference,
        known_at
    from typed
    -- A payment of nothing only sets credit notes against invoices.
    where amount <> 0 or amount is null
)

select * from final
