-- Rule: the months of the explanation sum to the count-back DSO (to its two decimals) and to the
-- receivables less the remainder (exactly). Source: domain, section 2.1, properties to test.
with explanations as (
    select
        as_of_date,
        scope_type,
        scope_value,
        sum(days_added) as days,
        sum(consumed_company_amount) as consumed_company_amount
    from {{ ref('mart_dso_explain') }}
    group by as_of_date, scope_type, scope_value
)

select
    as_of_date,
    scope_type,
    scope_value,
    dso.dso_countback,
    explanations.days,
    dso.dso_receivables_company_amount,
    dso.dso_remainder_amount,
    explanations.consumed_company_amount
from {{ ref('mart_dso') }} as dso
full outer join explanations
    using (as_of_date, scope_type, scope_value)
where
    dso.dso_countback is null
    -- Half a hundredth from the rounding of the total, and a little from that of each month.
    or abs(dso.dso_countback - coalesce(explanations.days, 0)) > 0.006
    or coalesce(explanations.consumed_company_amount, 0) <> case
        when dso.dso_status = 'no_debt' then 0
        else dso.dso_receivables_company_amount - dso.dso_remainder_amount
    end
