-- grain: one row per reporting date and customer that has open items: what of it is overdue
with aged_items as (
    select
        as_of_date,
        open_item_id,
        entity_id,
        customer_id,
        -- What is not overdue weighs nothing.
        case when days_overdue > 0 then open_company_amount else 0 end as overdue_company_amount,
        days_overdue
    from {{ ref('int_aged_items') }}
),

final as (
    select
        aged_items.as_of_date,
        aged_items.entity_id,
        aged_items.customer_id,
        sum(aged_items.overdue_company_amount) as overdue_company_amount,
        -- Credits have no due date.
        sum(aged_items.overdue_company_amount * coalesce(aged_items.days_overdue, 0))
            as late_amount_days,
        sum(
            aged_items.overdue_company_amount
            * {{ days_between('aged_items.as_of_date', 'items.issue_date') }}
        ) as to_pay_amount_days
    from aged_items
    inner join {{ ref('int_items') }} as items
        on aged_items.open_item_id = items.open_item_id
    group by aged_items.as_of_date, aged_items.entity_id, aged_items.customer_id
)

select * from final
