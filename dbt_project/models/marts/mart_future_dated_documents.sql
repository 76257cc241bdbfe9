-- grain: one row per posted document that counts only after the as-of date
-- It is known already, so people look for it in the balance, where it is not yet.
with signed as (
    select
        entity_id,
        customer_id,
        source,
        source_document_id,
        document_id,
        document_number,
        document_type,
        issue_date,
        booking_date,
        currency_code,
        case document_type
            when 'credit_note' then -amount_incl_tax else amount_incl_tax
        end as original_amount,
        exchange_rate
    from {{ ref('fct_documents') }}
    where booking_date > {{ as_of_date() }}
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        signed.entity_id,
        signed.customer_id,
        signed.source,
        signed.source_document_id,
        signed.document_id,
        signed.document_number,
        signed.document_type,
        signed.issue_date,
        signed.booking_date,
        {{ days_between('signed.booking_date', as_of_date()) }} as days_ahead,
        signed.currency_code,
        signed.original_amount,
        entities.base_currency as company_currency_code,
        {{ company_amount(
            'signed.original_amount', 'signed.exchange_rate', 'entities.minor_units'
        ) }} as original_company_amount
    from signed
    inner join {{ ref('int_entities') }} as entities
        on signed.entity_id = entities.entity_id
)

select * from final
