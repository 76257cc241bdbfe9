-- grain: one row per as_of_date, entity and customer with payments, open items or revenue
-- Customers without a payment in the window have no rank: nothing says how they pay.
with payments as (
    select
        as_of_date,
        entity_id,
        customer_id,
        paid_company_amount,
        late_amount_days,
        to_pay_amount_days
    from {{ ref('int_customer_payments') }}
),

arrears as (
    select
        as_of_date,
        entity_id,
        customer_id,
        overdue_company_amount,
        overdue_late_amount_days,
        overdue_to_pay_amount_days
    from {{ ref('int_customer_balances') }}
),

revenue as (
    select
        as_of_date,
        entity_id,
        customer_id,
        revenue_ytd_company_amount
    from {{ ref('int_customer_revenue_years') }}
),

entity_revenue as (
    select
        as_of_date,
        entity_id,
        sum(revenue_ytd_company_amount) as entity_revenue_company_amount
    from revenue
    group by as_of_date, entity_id
),

-- As mart_dso shows it: read from where that reads it, so that neither waits for the other.
customer_dso as (
    select
        as_of_date,
        scope_value as customer_id,
        dso_countback
    from {{ ref('int_countback_totals') }}
    where scope_type = 'customer'
),

measured as (
    select
        as_of_date,
        coalesce(payments.entity_id, arrears.entity_id, revenue.entity_id) as entity_id,
        customer_id,
        -- No payment, nothing overdue and no document are truly zero.
        coalesce(payments.paid_company_amount, 0) as paid_company_amount,
        coalesce(arrears.overdue_company_amount, 0) as overdue_company_amount,
        coalesce(revenue.revenue_ytd_company_amount, 0) as revenue_ytd_company_amount,
        round(payments.late_amount_days / nullif(payments.paid_company_amount, 0), 2)
            as avg_days_late,
        round(payments.to_pay_amount_days / nullif(payments.paid_company_amount, 0), 2)
            as avg_days_to_pay,
        round(
            (
                coalesce(payments.late_amount_days, 0)
                + coalesce(arrears.overdue_late_amount_days, 0)
            )
            / nullif(
                coalesce(payments.paid_company_amount, 0)
                + coalesce(arrears.overdue_company_amount, 0), 0
            ), 2
        ) as avg_days_late_incl_open,
        round(
            (
                coalesce(payments.to_pay_amount_days, 0)
                + coalesce(arrears.overdue_to_pay_amount_days, 0)
            )
            / nullif(
                coalesce(payments.paid_company_amount, 0)
                + coalesce(arrears.overdue_company_amount, 0), 0
            ), 2
        ) as avg_days_to_pay_incl_open
    from payments
    full outer join arrears
        using (as_of_date, customer_id)
    full outer join revenue
        using (as_of_date, customer_id)
),

ranked as (
    select
        measured.*,
        case
            when avg_days_late is not null
                then rank() over (
                    partition by as_of_date, entity_id
                    order by avg_days_late nulls last
                )
        end as payer_rank,
        case
            when avg_days_late_incl_open is not null
                then rank() over (
                    partition by as_of_date, entity_id
                    order by avg_days_late_incl_open nulls last
                )
        end as payer_rank_incl_open,
        count(avg_days_late) over (partition by as_of_date, entity_id) as payer_count,
        count(avg_days_late_incl_open) over (partition by as_of_date, entity_id)
            as payer_count_incl_open
    from measured
),

final as (
    select
        ranked.as_of_date,
        ranked.entity_id,
        ranked.customer_id,
        entities.base_currency as company_currency_code,
        ranked.paid_company_amount as paid_company_amount_3m,
        ranked.avg_days_late as avg_days_late_3m,
        ranked.avg_days_to_pay as avg_days_to_pay_3m,
        ranked.payer_rank,
        -- The only customer that is ranked is the best one.
        round(
            coalesce(
                cast(ranked.payer_rank - 1 as numeric) / nullif(ranked.payer_count - 1, 0),
                cast(ranked.payer_rank - 1 as numeric)
            ), 6
        ) as payer_percentile,
        coalesce(cast(classes.payer_class as text), 'no_payment') as payer_class,
        ranked.overdue_company_amount,
        ranked.avg_days_late_incl_open as avg_days_late_incl_open_3m,
        ranked.avg_days_to_pay_incl_open as avg_days_to_pay_incl_open_3m,
        ranked.payer_rank_incl_open,
        round(
            coalesce(
                cast(ranked.payer_rank_incl_open - 1 as numeric)
                / nullif(ranked.payer_count_incl_open - 1, 0),
                cast(ranked.payer_rank_incl_open - 1 as numeric)
            ), 6
        ) as payer_percentile_incl_open,
        coalesce(cast(classes_incl_open.payer_class as text), 'no_payment')
            as payer_class_incl_open,
        ranked.revenue_ytd_company_amount,
        case
            when entity_revenue.entity_revenue_company_amount > 0
                then round(
                    ranked.revenue_ytd_company_amount
                    / entity_revenue.entity_revenue_company_amount, 6
                )
        end as revenue_share_ytd,
        -- A customer whom the count-back does not list has nothing open.
        coalesce(customer_dso.dso_countback, 0) as dso_countback
    from ranked
    inner join {{ ref('int_entities') }} as entities
        on ranked.entity_id = entities.entity_id
    left join entity_revenue
        on
            ranked.as_of_date = entity_revenue.as_of_date
            and ranked.entity_id = entity_revenue.entity_id
    left join customer_dso
        on
            ranked.as_of_date = customer_dso.as_of_date
            and ranked.customer_id = customer_dso.customer_id
    left join {{ ref('payer_classes') }} as classes
        on
            ranked.avg_days_late is not null
            and (classes.above_days_late is null or ranked.avg_days_late > classes.above_days_late)
            and (classes.to_days_late is null or ranked.avg_days_late <= classes.to_days_late)
    left join {{ ref('payer_classes') }} as classes_incl_open
        on
            ranked.avg_days_late_incl_open is not null
            and (
                classes_incl_open.above_days_late is null
                or ranked.avg_days_late_incl_open > classes_incl_open.above_days_late
            )
            and (
                classes_incl_open.to_days_late is null
                or ranked.avg_days_late_incl_open <= classes_incl_open.to_days_late
            )
)

select * from final
