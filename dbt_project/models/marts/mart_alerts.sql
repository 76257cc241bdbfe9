-- grain: one row per alert at the as-of date: entity, type and, where it is about one, customer
-- What is compared is what was shown at the month ends, those that are carried over included: they
-- are in the publication before and join the marts after this model.
with carried_dates as (
    select as_of_date from {{ ref('int_carried_dates') }}
),

shown_dates as (
    select
        as_of_date,
        is_current
    from {{ ref('int_shown_dates') }}
),

policies as (
    select
        entity_id,
        bucket_limits,
        display_residue,
        alert_dso_days,
        alert_overdue_ratio,
        alert_concentration_ratio,
        alert_delay_days,
        alert_days_overdue
    from {{ ref('int_entity_policies') }}
),

entity_dso as (
    select
        as_of_date,
        scope_value as entity_id,
        dso_countback,
        dso_status,
        overdue_ratio_amount
    from {{ ref('mart_dso') }}
    where scope_type = 'entity' and as_of_date not in (select as_of_date from carried_dates)
    union all
    select
        as_of_date,
        entity_id,
        dso_countback,
        dso_status,
        overdue_ratio_amount
    from {{ ref('int_carried_dso') }}
),

current_balances as (
    select
        entity_id,
        customer_id,
        sum(open_company_amount) as open_company_amount
    from {{ ref('mart_aged_balance') }}
    where as_of_date = {{ as_of_date() }}
    group by entity_id, customer_id
),

-- Where nobody owes too large a share now, it does not matter who did before.
concentrated_entities as (
    select balances.entity_id
    from current_balances as balances
    inner join policies
        on balances.entity_id = policies.entity_id
    where balances.open_company_amount > 0
    group by balances.entity_id, policies.alert_concentration_ratio
    having
        round(max(balances.open_company_amount) / sum(balances.open_company_amount), 6)
        > policies.alert_concentration_ratio
),

bucket_balances as (
    select
        balances.as_of_date,
        balances.entity_id,
        balances.customer_id,
        balances.open_company_amount
    from {{ ref('mart_aged_balance') }} as balances
    inner join concentrated_entities
        on balances.entity_id = concentrated_entities.entity_id
    where balances.as_of_date not in (select as_of_date from carried_dates)
    union all
    select
        balances.as_of_date,
        balances.entity_id,
        balances.customer_id,
        balances.open_company_amount
    from {{ ref('int_carried_balances') }} as balances
    inner join concentrated_entities
        on balances.entity_id = concentrated_entities.entity_id
),

payers as (
    select
        as_of_date,
        entity_id,
        customer_id,
        avg_days_late_3m
    from {{ ref('mart_payer_behaviour') }}
    where as_of_date not in (select as_of_date from carried_dates)
    union all
    select
        as_of_date,
        entity_id,
        customer_id,
        avg_days_late_3m
    from {{ ref('int_carried_delays') }}
),

-- The usual DSO is the mean of the 12 month ends before, of three at least: a season is in it once.
usual_dso as (
    select
        as_of_date,
        entity_id,
        dso_countback,
        round(avg(dso_countback) over month_ends_before, 2) as usual_days,
        count(*) over month_ends_before as month_end_count
    from entity_dso
    where dso_status = 'ok'
    window month_ends_before as (
        partition by entity_id
        order by as_of_date
        rows between 12 preceding and 1 preceding
    )
),

customer_balances as (
    select
        as_of_date,
        entity_id,
        customer_id,
        sum(open_company_amount) as open_company_amount
    from bucket_balances
    group by as_of_date, entity_id, customer_id
),

-- Of those who owe: what others are owed back would make each share larger than it is.
customer_shares as (
    select
        as_of_date,
        entity_id,
        customer_id,
        round(
            open_company_amount
            / sum(open_company_amount) over (partition by as_of_date, entity_id), 6
        ) as share
    from customer_balances
    where open_company_amount > 0
),

measured as (
    select
        'dso_drift' as alert_type,
        usual_dso.as_of_date,
        usual_dso.entity_id,
        cast(null as text) as customer_id,
        usual_dso.dso_countback as observed_value,
        usual_dso.usual_days + policies.alert_dso_days as limit_value,
        usual_dso.usual_days as reference_value
    from usual_dso
    inner join policies
        on usual_dso.entity_id = policies.entity_id
    where usual_dso.month_end_count >= 3
    union all
    select
        'overdue_ratio' as alert_type,
        entity_dso.as_of_date,
        entity_dso.entity_id,
        cast(null as text) as customer_id,
        entity_dso.overdue_ratio_amount as observed_value,
        policies.alert_overdue_ratio as limit_value,
        cast(null as numeric) as reference_value
    from entity_dso
    inner join policies
        on entity_dso.entity_id = policies.entity_id
    union all
    select
        'concentration' as alert_type,
        customer_shares.as_of_date,
        customer_shares.entity_id,
        customer_shares.customer_id,
        customer_shares.share as observed_value,
        policies.alert_concentration_ratio as limit_value,
        cast(null as numeric) as reference_value
    from customer_shares
    inner join policies
        on customer_shares.entity_id = policies.entity_id
),

raised as (
    select
        *,
        {{ surrogate_key(['alert_type', 'entity_id', 'customer_id']) }} as alert_id
    from measured
    where observed_value > limit_value
),

standing as (
    select *
    from raised
    where as_of_date = {{ as_of_date() }}
),

-- The last date that was shown without the alert.
calm as (
    select
        standing.alert_id,
        max(shown_dates.as_of_date) as last_calm_date
    from standing
    cross join shown_dates
    left join raised
        on
            standing.alert_id = raised.alert_id
            and shown_dates.as_of_date = raised.as_of_date
    where raised.alert_id is null
    group by standing.alert_id
),

standing_since as (
    select
        raised.alert_id,
        min(raised.as_of_date) as since_date
    from raised
    left join calm
        on raised.alert_id = calm.alert_id
    where calm.last_calm_date is null or raised.as_of_date > calm.last_calm_date
    group by raised.alert_id
),

-- The last month end, or the as-of date where it is one.
last_month_end as (
    select max(as_of_date) as as_of_date
    from shown_dates
    where as_of_date = {{ month_end('as_of_date') }}
),

compared_month_ends as (
    select as_of_date
    from last_month_end
    union all
    select {{ month_end(add_months(month_start('as_of_date'), -3)) }} as as_of_date
    from last_month_end
),

-- Worse by more than the limit than three months before, whatever happened between. Grouped, not
-- joined: of a join by dates the planner expects one row.
slower_payers as (
    select payers.customer_id
    from payers
    inner join policies
        on payers.entity_id = policies.entity_id
    where payers.as_of_date in (select as_of_date from compared_month_ends)
    group by payers.customer_id, policies.alert_delay_days
    having
        max(
            case
                when payers.as_of_date = (select as_of_date from last_month_end)
                    then payers.avg_days_late_3m
            end
        )
        > max(
            case
                when payers.as_of_date < (select as_of_date from last_month_end)
                    then payers.avg_days_late_3m
            end
        ) + policies.alert_delay_days
),

-- Month ends only: the as-of date may be days after one.
month_end_delays as (
    select
        payers.as_of_date,
        payers.entity_id,
        payers.customer_id,
        payers.avg_days_late_3m,
        coalesce(
            payers.avg_days_late_3m > lag(payers.avg_days_late_3m) over by_month
            and {{ month_end(add_months(month_start('payers.as_of_date'), -1)) }}
            = lag(payers.as_of_date) over by_month,
            false
        ) as is_worse
    from payers
    inner join slower_payers
        on payers.customer_id = slower_payers.customer_id
    where
        payers.as_of_date = {{ month_end('payers.as_of_date') }}
        and payers.avg_days_late_3m is not null
    window by_month as (
        partition by payers.entity_id, payers.customer_id
        order by payers.as_of_date
    )
),

-- A run begins at a month end that is not worse than the one before, and goes on while it worsens.
delay_runs as (
    select
        *,
        count(*) filter (where not is_worse) over by_month as run_number
    from month_end_delays
    window by_month as (
        partition by entity_id, customer_id
        order by as_of_date
    )
),

worsening as (
    select
        as_of_date,
        entity_id,
        customer_id,
        avg_days_late_3m,
        lag(avg_days_late_3m, 3) over by_month as delay_three_months_before,
        min(as_of_date) over by_month as since_date
    from delay_runs
    window by_month as (
        partition by entity_id, customer_id, run_number
        order by as_of_date
    )
),

comparison_dates as (
    select {{ as_of_date() }} as as_of_date
    union
    select max(as_of_date) as as_of_date
    from shown_dates
    where not is_current
),

oldest_invoices as (
    select
        comparison_dates.as_of_date,
        positions.entity_id,
        positions.customer_id,
        min(positions.due_date) as due_date
    from comparison_dates
    inner join {{ ref('fct_open_item_positions') }} as positions
        on
            positions.valid_from <= comparison_dates.as_of_date
            and (
                positions.valid_to is null
                or positions.valid_to > comparison_dates.as_of_date
            )
    inner join policies
        on positions.entity_id = policies.entity_id
    -- A residue is not pursued, so it does not age a customer.
    where
        positions.item_type = 'invoice'
        and positions.open_company_amount > policies.display_residue
    group by comparison_dates.as_of_date, positions.entity_id, positions.customer_id
),

oldest_buckets as (
    select
        oldest_invoices.as_of_date,
        oldest_invoices.entity_id,
        oldest_invoices.customer_id,
        oldest_invoices.due_date,
        {{ days_between('oldest_invoices.as_of_date', 'oldest_invoices.due_date') }}
            as days_overdue,
        buckets.bucket_order,
        buckets.min_days_overdue
    from oldest_invoices
    inner join policies
        on oldest_invoices.entity_id = policies.entity_id
    inner join {{ ref('int_aging_buckets') }} as buckets
        on
            policies.bucket_limits = buckets.bucket_limits
            and (
                buckets.min_days_overdue is null
                or {{ days_between('oldest_invoices.as_of_date', 'oldest_invoices.due_date') }}
                >= buckets.min_days_overdue
            )
            and (
                buckets.max_days_overdue is null
                or {{ days_between('oldest_invoices.as_of_date', 'oldest_invoices.due_date') }}
                <= buckets.max_days_overdue
            )
),

alerts as (
    select
        standing.alert_id,
        standing.alert_type,
        standing.entity_id,
        standing.customer_id,
        standing.observed_value,
        standing.limit_value,
        standing.reference_value,
        standing_since.since_date
    from standing
    inner join standing_since
        on standing.alert_id = standing_since.alert_id
    union all
    select
        {{ surrogate_key(["'delay_worsening'", 'worsening.entity_id', 'worsening.customer_id']) }}
            as alert_id,
        'delay_worsening' as alert_type,
        worsening.entity_id,
        worsening.customer_id,
        worsening.avg_days_late_3m as observed_value,
        worsening.delay_three_months_before + policies.alert_delay_days as limit_value,
        worsening.delay_three_months_before as reference_value,
        worsening.since_date
    from worsening
    inner join policies
        on worsening.entity_id = policies.entity_id
    inner join last_month_end
        on worsening.as_of_date = last_month_end.as_of_date
    where
        worsening.avg_days_late_3m
        > worsening.delay_three_months_before + policies.alert_delay_days
    union all
    select
        {{ surrogate_key(["'bucket_jump'", 'now_oldest.entity_id', 'now_oldest.customer_id']) }}
            as alert_id,
        'bucket_jump' as alert_type,
        now_oldest.entity_id,
        now_oldest.customer_id,
        now_oldest.days_overdue as observed_value,
        policies.alert_days_overdue as limit_value,
        -- Nobody is late whose oldest invoice was not due, or who owed nothing.
        greatest(coalesce(before.days_overdue, 0), 0) as reference_value,
        {{ add_days('now_oldest.due_date', 'now_oldest.min_days_overdue') }} as since_date
    from oldest_buckets as now_oldest
    inner join policies
        on now_oldest.entity_id = policies.entity_id
    left join oldest_buckets as before
        on
            now_oldest.entity_id = before.entity_id
            and now_oldest.customer_id = before.customer_id
            and before.as_of_date < {{ as_of_date() }}
    where
        now_oldest.as_of_date = {{ as_of_date() }}
        and now_oldest.bucket_order > coalesce(before.bucket_order, 0)
        and now_oldest.days_overdue > policies.alert_days_overdue
),

final as (
    select
        {{ as_of_date() }} as as_of_date,
        alert_id,
        alert_type,
        entity_id,
        customer_id,
        round(observed_value, 6) as observed_value,
        round(limit_value, 6) as limit_value,
        round(reference_value, 6) as reference_value,
        case
            when alert_type in ('overdue_ratio', 'concentration') then 'ratio'
            else 'days'
        end as unit,
        since_date
    from alerts
)

select * from final
