-- grain: one row per reconciliation of two receivable lines, each side with its amount
-- Where the currencies of both sides differ, what is used of a payment counts as a payment in the
-- currency of the other side: `converts` says which side that is.
with reconciles as (
    select
        entity_id,
        source_reconcile_id,
        source_debit_line_id,
        source_credit_line_id,
        company_amount,
        debit_amount,
        credit_amount,
        known_at
    from {{ ref('stg_odoo__partial_reconciles') }}
),

lines as (
    select
        entity_id,
        source_line_id,
        item_kind,
        source_item_id,
        currency_code,
        base_currency,
        company_amount / amount as rate
    from {{ ref('stg_odoo__receivable_lines') }}
    where
        amount <> 0
        and status = 'posted'
),

sided as (
    select
        reconciles.entity_id,
        reconciles.source_reconcile_id,
        reconciles.source_debit_line_id,
        reconciles.source_credit_line_id,
        debits.item_kind as debit_kind,
        debits.source_item_id as debit_item_id,
        debits.currency_code as debit_currency,
        credits.item_kind as credit_kind,
        credits.source_item_id as credit_item_id,
        credits.currency_code as credit_currency,
        debits.rate as debit_rate,
        credits.rate as credit_rate,
        -- Odoo 13 says nothing where one side alone is in another currency.
        case
            when debits.currency_code = debits.base_currency then reconciles.company_amount
            else
                coalesce(
                    reconciles.debit_amount, round(reconciles.company_amount / debits.rate, 2)
                )
        end as debit_amount,
        case
            when credits.currency_code = credits.base_currency then reconciles.company_amount
            else
                coalesce(
                    reconciles.credit_amount, round(reconciles.company_amount / credits.rate, 2)
                )
        end as credit_amount,
        reconciles.known_at
    from reconciles
    inner join lines as debits
        on
            reconciles.entity_id = debits.entity_id
            and reconciles.source_debit_line_id = debits.source_line_id
    inner join lines as credits
        on
            reconciles.entity_id = credits.entity_id
            and reconciles.source_credit_line_id = credits.source_line_id
),

final as (
    select
        sided.*,
        case
            when debit_currency = credit_currency then null
            when credit_kind = 'payment' then 'credit'
            when debit_kind = 'payment' then 'debit'
        end as converts
    from sided
    where
        debit_amount > 0
        and credit_amount > 0
)

select * from final
