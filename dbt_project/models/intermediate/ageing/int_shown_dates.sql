-- grain: one row per date that the marts show: the as-of date and the month ends before it
with month_ends as (
    select {{ month_end(add_months(month_start(as_of_date()), '-1 * numbers.n')) }} as as_of_date
    from {{ ref('numbers') }} as numbers
    where numbers.n between 1 and cast({{ home_policy('month_ends') }} as integer)
),

final as (
    select
        as_of_date,
        false as is_current
    from month_ends
    union all
    select
        {{ as_of_date() }} as as_of_date,
        true as is_current
)

select * from final
