-- grain: one row per reporting date and scope that has receivables: the count-back added up
with totals as (
    select
        as_of_date,
        scope_type,
        scope_value,
        basis,
        sum(days_added) as days,
        max(receivables_company_amount) - sum(consumed_company_amount) as remainder_company_amount
    from {{ ref('int_countback_months') }}
    group by as_of_date, scope_type, scope_value, basis
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        max(case when basis = 'total' then days end) as total_days,
        max(case when basis = 'total' then remainder_company_amount end)
            as total_remainder_company_amount,
        max(case when basis = 'not_due' then days end) as not_due_days,
        max(case when basis = 'opening' then days end) as opening_days,
        max(case when basis = 'after_not_due' then days end) as after_not_due_days,
        max(case when basis = 'after_overdue' then days end) as after_overdue_days
    from totals
    group by as_of_date, scope_type, scope_value
)

select * from final
