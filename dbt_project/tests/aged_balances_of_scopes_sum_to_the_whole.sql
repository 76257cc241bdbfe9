-- Rule: the group's aged balance, and that of the entities together, is that of all customers, per
-- date and currency. Source: contracts, section 3: Σ buckets = total; a scope that loses customers
-- (frappe/erpnext#16355, Σ of a summary differs from its detail) shows here.
with customers as (
    select
        as_of_date,
        currency_code,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount
    from {{ ref('mart_aged_balance') }}
    group by as_of_date, currency_code
),

scopes as (
    select
        as_of_date,
        currency_code,
        scope_type,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount
    from {{ ref('mart_aged_balance_by_scope') }}
    where scope_type in ('group', 'entity')
    group by as_of_date, currency_code, scope_type
),

-- There is no group between two base currencies.
scope_types as (
    select scope_type
    from scopes
    group by scope_type
)

select
    customers.as_of_date,
    customers.currency_code,
    scope_types.scope_type,
    customers.open_company_amount as customers_company_amount,
    scopes.open_company_amount as scope_company_amount
from customers
cross join scope_types
left join scopes
    on
        customers.as_of_date = scopes.as_of_date
        and customers.currency_code = scopes.currency_code
        and scope_types.scope_type = scopes.scope_type
where
    scopes.open_amount is distinct from customers.open_amount
    or scopes.open_company_amount is distinct from customers.open_company_amount
