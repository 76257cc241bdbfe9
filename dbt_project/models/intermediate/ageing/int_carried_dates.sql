-- grain: one row per month end whose figures are carried over from the publication before
-- Nothing that a month end rests on has changed since, so its figures are the same. A publication
-- of another month had another first month end, which is compared with none: all is built anew.
with first_change as (
    select min(business_date) as business_date
    from {{ ref('int_changed_days') }}
),

final as (
    select shown_dates.as_of_date
    from {{ ref('int_shown_dates') }} as shown_dates
    cross join first_change
    inner join {{ source('previous', 'publication_info') }} as previous_publication
        on {{ month_start('previous_publication.as_of_date') }} = {{ month_start(as_of_date()) }}
    -- Without any change even the month end before the as-of date is the same.
    where
        not shown_dates.is_current
        and (
            first_change.business_date is null
            or shown_dates.as_of_date < first_change.business_date
        )
)

select * from final
