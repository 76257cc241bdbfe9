-- grain: one row per reporting date and customer that has open items: what of it is overdue
with customers_with_open_items as (
    select
        as_of_date,
        entity_id,
        customer_id
    from {{ ref('int_aged_items') }}
    group by as_of_date, entity_id, customer_id
),

arrears as (
    select
        aged_items.as_of_date,
        aged_items.entity_id,
        aged_items.customer_id,
        sum(aged_items.open_company_amount) as overdue_company_amount,
        sum(aged_items.open_company_amount * aged_items.days_overdue) as late_amount_days,
        sum(
            aged_items.open_company_amount
            * {{ days_between('aged_items.as_of_date', 'items.issue_date') }}
        ) as to_pay_amount_days
    from {{ ref('int_aged_items') }} as aged_items
    inner join {{ ref('int_items') }} as items
        on aged_items.open_item_id = items.open_item_id
    where aged_items.days_overdue > 0
    group by aged_items.as_of_date, aged_items.entity_id, aged_items.customer_id
),

final as (
    select
        customers_with_open_items.as_of_date,
        customers_with_open_items.entity_id,
        customers_with_open_items.customer_id,
        -- What is not overdue weighs nothing.
        coalesce(arrears.overdue_company_amount, 0) as overdue_company_amount,
        coalesce(arrears.late_amount_days, 0) as late_amount_days,
        coalesce(arrears.to_pay_amount_days, 0) as to_pay_amount_days
    from customers_with_open_items
    left join arrears
        on
            customers_with_open_items.as_of_date = arrears.as_of_date
            and customers_with_open_items.entity_id = arrears.entity_id
            and customers_with_open_items.customer_id = arrears.customer_id
)

select * from final
