-- grain: one row per customer and day on which it was invoiced or credited, up to the as-of date
with final as (
    select
        entity_id,
        customer_id,
        revenue_date,
        sum(revenue_company_amount) as revenue_company_amount,
        sum(revenue_excl_tax_company_amount) as revenue_excl_tax_company_amount
    from {{ ref('int_document_revenue') }}
    group by entity_id, customer_id, revenue_date
)

select * from final
