-- grain: one row per reporting date and scope that has receivables: the count-back added up
with final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        round(coalesce(sum(case when basis = 'total' then days_added end), 0), 2)
            as dso_countback,
        max(case when basis = 'total' then receivables_company_amount end)
        - sum(case when basis = 'total' then consumed_company_amount end)
            as total_remainder_company_amount,
        round(coalesce(sum(case when basis = 'not_due' then days_added end), 0), 2)
            as dso_best_possible,
        sum(case when basis = 'opening' then days_added end) as opening_days,
        sum(case when basis = 'after_not_due' then days_added end) as after_not_due_days,
        sum(case when basis = 'after_overdue' then days_added end) as after_overdue_days
    from {{ ref('int_countback_months') }}
    group by as_of_date, scope_type, scope_value
)

select * from final
