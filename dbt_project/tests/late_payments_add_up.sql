-- Rule: late and on time are all payments of the month that are in force at its end, shares lie in
-- 0 to 1, and the group is the sum of its entities. Source: contracts, section 3: one definition of
-- a payment on an invoice; segments that count a customer twice exceed their group.
with entity_months as (
    select
        as_of_date,
        scope_value as entity_id,
        paid_company_amount
    from {{ ref('mart_late_payments') }}
    where scope_type = 'entity'
),

in_force as (
    select
        entity_id,
        least({{ month_end('effective_date') }}, {{ as_of_date() }}) as as_of_date,
        sum(company_amount) as paid_company_amount
    from {{ ref('fct_invoice_settlements') }}
    where
        settlement_type = 'payment'
        and in_force_from
        <= least({{ month_end('effective_date') }}, {{ as_of_date() }})
        and (
            in_force_to is null
            or in_force_to > least({{ month_end('effective_date') }}, {{ as_of_date() }})
        )
    group by entity_id, least({{ month_end('effective_date') }}, {{ as_of_date() }})
),

group_months as (
    select
        as_of_date,
        sum(case when scope_type = 'group' then paid_company_amount end) as group_amount,
        sum(case when scope_type = 'entity' then paid_company_amount end) as entities_amount
    from {{ ref('mart_late_payments') }}
    group by as_of_date
)

select
    'group' as rule,
    as_of_date,
    'group' as scope_type,
    'all' as scope_value
from group_months
where group_amount <> entities_amount
union all
select
    'amount' as rule,
    entity_months.as_of_date,
    'entity' as scope_type,
    entity_months.entity_id as scope_value
from entity_months
left join in_force
    on
        entity_months.entity_id = in_force.entity_id
        and entity_months.as_of_date = in_force.as_of_date
where entity_months.paid_company_amount <> coalesce(in_force.paid_company_amount, 0)
union all
select
    'parts' as rule,
    as_of_date,
    scope_type,
    scope_value
from {{ ref('mart_late_payments') }}
where
    on_time_count + late_count <> payment_count
    or on_time_company_amount + late_company_amount <> paid_company_amount
    or late_share_count not between 0 and 1
    or late_share_amount not between 0 and 1
    or payment_count <= 0
