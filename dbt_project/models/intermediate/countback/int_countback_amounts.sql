-- grain: one row per reporting date, scope and basis: an amount to count back on the sales known
-- then. `total` and `not_due` are the receivables as they are; the other three lead from the
-- receivables of the date before to those of the date, one part after the other (mart_dso_bridge).
-- A view: it only lines up what others store.
{{ config(materialized='view') }}

with amounts as (
    select
        as_of_date,
        scope_type,
        scope_value,
        'total' as basis,
        dso_receivables_company_amount as receivables_company_amount
    from {{ ref('int_scope_balances') }}
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        'not_due' as basis,
        dso_not_due_company_amount as receivables_company_amount
    from {{ ref('int_scope_balances') }}
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        'opening' as basis,
        opening_not_due_company_amount
        + opening_overdue_company_amount
        + opening_disputed_company_amount as receivables_company_amount
    from {{ ref('int_bridge_balances') }}
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        'after_not_due' as basis,
        closing_not_due_company_amount
        + opening_overdue_company_amount
        + opening_disputed_company_amount as receivables_company_amount
    from {{ ref('int_bridge_balances') }}
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        'after_overdue' as basis,
        closing_not_due_company_amount
        + closing_overdue_company_amount
        + opening_disputed_company_amount as receivables_company_amount
    from {{ ref('int_bridge_balances') }}
),

final as (
    select *
    from amounts
    where receivables_company_amount > 0
)

select * from final
