-- grain: one row per rank: overdue invoice items by open amount at the as-of date
with final as (
    select
        {{ as_of_date() }} as as_of_date,
        company_currency_code,
        row_number() over (
            partition by company_currency_code
            order by open_company_amount desc, days_overdue desc, open_item_id
        ) as rank,
        items.entity_id,
        customer_id,
        open_item_id,
        document_number,
        due_date,
        open_company_amount,
        days_overdue
    from {{ ref('fct_open_items') }} as items
    inner join {{ ref('int_entity_policies') }} as policies
        on items.entity_id = policies.entity_id
    -- A residue is not shown; it stays in every total.
    where
        items.item_type = 'invoice'
        and items.days_overdue > 0
        and items.open_company_amount > policies.display_residue
)

select * from final
