-- grain: one row per date that this build works out: the as-of date, the month ends before it that
-- are not carried over, and the last of those that are, which the next date is compared with
with last_carried as (
    select max(as_of_date) as as_of_date
    from {{ ref('int_carried_dates') }}
),

final as (
    select
        shown_dates.as_of_date,
        shown_dates.is_current
    from {{ ref('int_shown_dates') }} as shown_dates
    cross join last_carried
    where last_carried.as_of_date is null or shown_dates.as_of_date >= last_carried.as_of_date
)

select * from final
