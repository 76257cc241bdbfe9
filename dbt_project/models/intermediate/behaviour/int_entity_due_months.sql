-- grain: one row per entity and reporting month: what fell due in the month, and was paid by then
-- As it stood at the end of the month: what is reversed later does not change a past month. What
-- was credited or written off by the due date did not fall due. An invoice that is issued after its
-- due date falls due when it is issued; a debt that is carried to another account, not again.
with first_date as (
    select min(as_of_date) as as_of_date
    from {{ ref('int_reporting_dates') }}
),

due_items as (
    select
        entity_id,
        least({{ month_end('greatest(due_date, booking_date)') }}, {{ as_of_date() }})
            as period_end_date,
        sum({{ company_amount('original_amount', 'exchange_rate', 'company_minor_units') }})
            as due_company_amount
    from {{ ref('fct_items') }}
    where
        item_type = 'invoice'
        and origin <> 'transfer'
        and due_date <= {{ as_of_date() }}
        and booking_date <= {{ as_of_date() }}
        and {{ month_end('greatest(due_date, booking_date)') }}
        >= (select as_of_date from first_date)
    group by
        entity_id,
        least({{ month_end('greatest(due_date, booking_date)') }}, {{ as_of_date() }})
),

timely_settlements as (
    select
        entity_id,
        settlement_type,
        in_force_from,
        in_force_to,
        least({{ month_end('greatest(due_date, booking_date)') }}, {{ as_of_date() }})
            as period_end_date,
        company_amount
    from {{ ref('fct_invoice_settlements') }}
    where
        effective_date <= greatest(due_date, booking_date)
        and origin <> 'transfer'
        and due_date <= {{ as_of_date() }}
        and {{ month_end('greatest(due_date, booking_date)') }}
        >= (select as_of_date from first_date)
),

settled as (
    select
        entity_id,
        period_end_date,
        sum(case when settlement_type = 'payment' then company_amount else 0 end)
            as paid_on_time_company_amount,
        sum(case when settlement_type <> 'payment' then company_amount else 0 end)
            as cancelled_company_amount
    from timely_settlements
    where
        in_force_from <= period_end_date
        and (in_force_to is null or in_force_to > period_end_date)
    group by entity_id, period_end_date
),

final as (
    select
        due_items.entity_id,
        due_items.period_end_date,
        -- Nothing settled by the due date is truly zero.
        due_items.due_company_amount - coalesce(settled.cancelled_company_amount, 0)
            as due_company_amount,
        coalesce(settled.paid_on_time_company_amount, 0) as paid_on_time_company_amount
    from due_items
    left join settled
        on
            due_items.entity_id = settled.entity_id
            and due_items.period_end_date = settled.period_end_date
)

select * from final
