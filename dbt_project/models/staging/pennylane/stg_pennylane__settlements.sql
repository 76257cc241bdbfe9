-- grain: one row per document and payment or credit note that settles it, and per rest of money
-- A company is read by its ledger or by matched transactions, never by both: nothing names the line
-- that a transaction was booked by, so its money would count twice. The ledger goes first.
with final as (
    select
        settlements.entity_id,
        settlements.source_type,
        settlements.settling_id,
        settlements.source_document_id,
        settlements.source_customer_id,
        settlements.currency_code,
        settlements.exchange_rate,
        settlements.amount,
        settlements.rest_amount,
        settlements.is_estimated,
        settlements.is_refund,
        settlements.transaction_date,
        settlements.transaction_currency,
        settlements.transaction_amount,
        settlements.transaction_company_amount,
        settlements.label,
        settlements.known_at
    from {{ ref('stg_pennylane__lettered_settlements') }} as settlements
    inner join {{ ref('stg_pennylane__entities') }} as entities
        on settlements.entity_id = entities.entity_id
    where entities.has_ledger
    union all
    select
        settlements.entity_id,
        settlements.source_type,
        settlements.settling_id,
        settlements.source_document_id,
        settlements.source_customer_id,
        settlements.currency_code,
        settlements.exchange_rate,
        settlements.amount,
        cast(null as numeric) as rest_amount,
        settlements.is_estimated,
        settlements.is_refund,
        settlements.transaction_date,
        settlements.transaction_currency,
        settlements.transaction_amount,
        settlements.transaction_company_amount,
        settlements.label,
        settlements.known_at
    from {{ ref('stg_pennylane__matched_settlements') }} as settlements
    inner join {{ ref('stg_pennylane__entities') }} as entities
        on settlements.entity_id = entities.entity_id
    where not entities.has_ledger
)

select * from final
