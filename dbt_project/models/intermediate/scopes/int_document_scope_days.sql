-- grain: one row per document scope and day on which its documents were issued or written off
with days as (
    select
        scopes.scope_type,
        scopes.scope_value,
        revenue.revenue_date as business_date,
        revenue.revenue_company_amount,
        0 as written_off_company_amount
    from {{ ref('int_document_revenue') }} as revenue
    inner join {{ ref('int_document_scopes') }} as scopes
        on revenue.document_key = scopes.document_key
    union all
    select
        scopes.scope_type,
        scopes.scope_value,
        movements.movement_date as business_date,
        0 as revenue_company_amount,
        -movements.company_amount as written_off_company_amount
    from {{ ref('fct_receivable_movements') }} as movements
    inner join {{ ref('int_items') }} as items
        on movements.open_item_id = items.open_item_id
    inner join {{ ref('int_document_scopes') }} as scopes
        on items.item_key = scopes.document_key
    where movements.movement_type = 'write_off' and movements.item_type = 'invoice'
),

final as (
    select
        scope_type,
        scope_value,
        business_date,
        sum(revenue_company_amount) as revenue_company_amount,
        sum(written_off_company_amount) as written_off_company_amount
    from days
    group by scope_type, scope_value, business_date
)

select * from final
