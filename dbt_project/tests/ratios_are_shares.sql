-- Rule: overdue invoices are a part of the open invoices, so both ratios lie in 0 to 1. Source:
-- style: ratios are stored as shares; a percentage or a credit among the overdue would leave them.
select
    as_of_date,
    scope_type,
    scope_value,
    overdue_ratio_amount,
    overdue_ratio_count
from {{ ref('mart_dso') }}
where
    overdue_ratio_amount not between 0 and 1
    or overdue_ratio_count not between 0 and 1
