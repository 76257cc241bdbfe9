-- Rule: the DSO of a part of the receivables is not longer than that of all of them. Unapplied
-- credits may outweigh what is overdue; then the part is the larger amount and the rule is
-- silent. Source: domain, section 2.1: count-back is monotone in the receivables.
select
    dso.as_of_date,
    dso.scope_type,
    dso.scope_value,
    dso.dso_best_possible,
    dso.dso_countback
from {{ ref('mart_dso') }} as dso
inner join {{ ref('int_scope_balances') }} as balances
    on
        dso.as_of_date = balances.as_of_date
        and dso.scope_type = balances.scope_type
        and dso.scope_value = balances.scope_value
where
    balances.dso_not_due_company_amount <= balances.dso_receivables_company_amount
    and dso.dso_best_possible > dso.dso_countback
