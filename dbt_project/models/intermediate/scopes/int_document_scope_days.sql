-- grain: one row per document scope and day on which its documents were issued or written off
-- Revenue is empty on a day without documents: a write-off alone is no day of sales. From the first
-- day that this build needs.
with revenue as (
    select
        scopes.scope_type,
        scopes.scope_value,
        documents.revenue_date as business_date,
        sum(documents.revenue_company_amount) as revenue_company_amount
    from {{ ref('int_document_revenue') }} as documents
    inner join {{ ref('int_document_scopes') }} as scopes
        on documents.document_key = scopes.document_key
    where documents.revenue_date >= (select first_day from {{ ref('int_first_scope_day') }})
    group by scopes.scope_type, scopes.scope_value, documents.revenue_date
),

write_offs as (
    select
        scopes.scope_type,
        scopes.scope_value,
        movements.movement_date as business_date,
        -sum(movements.company_amount) as written_off_company_amount
    from {{ ref('fct_receivable_movements') }} as movements
    inner join {{ ref('fct_items') }} as items
        on movements.open_item_id = items.open_item_id
    inner join {{ ref('int_document_scopes') }} as scopes
        on items.document_id = scopes.document_key
    where
        movements.movement_type = 'write_off'
        and movements.item_type = 'invoice'
        and movements.movement_date >= (select first_day from {{ ref('int_first_scope_day') }})
    group by scopes.scope_type, scopes.scope_value, movements.movement_date
),

final as (
    select
        scope_type,
        scope_value,
        business_date,
        revenue.revenue_company_amount,
        -- No write-off is truly zero.
        coalesce(write_offs.written_off_company_amount, 0) as written_off_company_amount
    from revenue
    full outer join write_offs
        using (scope_type, scope_value, business_date)
)

select * from final
