-- grain: one row per stretch of reporting dates and reporting date in it
-- What lasts from one day to another finds the dates that show it by equality of two numbers: a
-- comparison with each date would cost as many comparisons as there are dates. The stretch ends
-- before end_date_no, which is one more than the last number for what lasts to this day.
with numbered_dates as (
    select
        as_of_date,
        date_no
    from {{ ref('int_reporting_days') }}
    where business_date = as_of_date
),

ends as (
    select date_no as end_date_no
    from numbered_dates
    union all
    select max(date_no) + 1 as end_date_no
    from numbered_dates
),

final as (
    select
        starts.date_no as first_date_no,
        ends.end_date_no,
        dates.as_of_date
    from numbered_dates as starts
    inner join ends
        on starts.date_no < ends.end_date_no
    inner join numbered_dates as dates
        on
            starts.date_no <= dates.date_no
            and ends.end_date_no > dates.date_no
)

select * from final
