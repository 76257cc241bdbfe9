-- grain: one row per as_of_date, scope_type, scope_value and month consumed by the count-back
with final as (
    select
        months.as_of_date,
        months.scope_type,
        months.scope_value,
        months.month_start,
        currencies.company_currency_code,
        months.revenue_company_amount,
        months.consumed_company_amount,
        round(months.days_added, 6) as days_added
    from {{ ref('int_countback_months') }} as months
    inner join {{ ref('int_scope_values') }} as currencies
        on
            months.scope_type = currencies.scope_type
            and months.scope_value = currencies.scope_value
    where months.basis = 'total'
)

select * from final
