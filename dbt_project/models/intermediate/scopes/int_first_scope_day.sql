-- grain: one row per build: the first day of which it needs the sales of single days
-- The months up to the last month end that is carried over are known; only those in which a window
-- of 90 or 365 days begins are looked into day by day. Without any, or where a count-back goes by
-- days, all days are needed.
with dates as (
    select
        min(reporting_dates.as_of_date) as first_reporting_date,
        max(carried_dates.as_of_date) as last_carried_date
    from {{ ref('int_reporting_dates') }} as reporting_dates
    left join {{ ref('int_carried_dates') }} as carried_dates
        on reporting_dates.as_of_date = carried_dates.as_of_date
),

scopes_by_day as (
    select count(*) as scope_count
    from {{ ref('int_scope_values') }}
    where countback_period = 'day'
),

final as (
    select
        case
            when dates.last_carried_date is null or scopes_by_day.scope_count > 0
                then cast('0001-01-01' as date)
            else {{ month_start(add_days('dates.first_reporting_date', -365)) }}
        end as first_day
    from dates
    cross join scopes_by_day
)

select * from final
