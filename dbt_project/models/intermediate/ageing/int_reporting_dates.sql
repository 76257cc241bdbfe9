-- grain: one row per date that this build works out: the as-of date, the month ends before it that
-- are not carried over, and the last of those that are, which the next date is compared with
with month_ends as (
    select {{ month_end(add_months(month_start(as_of_date()), '-1 * numbers.n')) }} as as_of_date
    from {{ ref('numbers') }} as numbers
    where numbers.n between 1 and cast({{ home_policy('month_ends') }} as integer)
),

last_carried as (
    select max(as_of_date) as as_of_date
    from {{ ref('int_carried_dates') }}
),

final as (
    select
        month_ends.as_of_date,
        false as is_current
    from month_ends
    cross join last_carried
    where last_carried.as_of_date is null or month_ends.as_of_date >= last_carried.as_of_date
    union all
    select
        {{ as_of_date() }} as as_of_date,
        true as is_current
)

select * from final
