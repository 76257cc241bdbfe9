-- grain: one row per day from the first reporting date to the last, with the reporting date that
-- shows it: the first on or after it
with numbered_dates as (
    select
        as_of_date,
        cast(row_number() over (order by as_of_date) as integer) as date_no,
        lag(as_of_date) over (order by as_of_date) as previous_date
    from {{ ref('int_reporting_dates') }}
),

final as (
    select
        {{ add_days('numbered_dates.as_of_date', '-1 * numbers.n') }} as business_date,
        numbered_dates.as_of_date,
        numbered_dates.date_no
    from numbered_dates
    inner join {{ ref('numbers') }} as numbers
        on
            {{ add_days('numbered_dates.as_of_date', '-1 * numbers.n') }}
            > coalesce(
                numbered_dates.previous_date, {{ add_days('numbered_dates.as_of_date', -1) }}
            )
)

select * from final
