-- grain: one row per rank: customers by what they owe at the as-of date, net of their credits
-- Ranked within a company currency: amounts of two currencies cannot be compared.
with customers as (
    select
        entity_id,
        customer_id,
        company_currency_code,
        sum(open_company_amount) as open_company_amount,
        max(days_overdue) as days_overdue
    from {{ ref('fct_open_items') }}
    group by entity_id, customer_id, company_currency_code
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        company_currency_code,
        row_number() over (
            partition by company_currency_code
            order by open_company_amount desc, customer_id
        ) as rank,
        customers.entity_id,
        customer_id,
        open_company_amount,
        days_overdue
    from customers
    inner join {{ ref('int_entity_policies') }} as policies
        on customers.entity_id = policies.entity_id
    -- A residue is not shown; it stays in every total.
    where customers.open_company_amount > policies.display_residue
)

select * from final
