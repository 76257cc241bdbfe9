-- Rule: the limits of the buckets touch each other and have no end on either side, so that every
-- number of days overdue is in exactly one. Source: bigcapitalhq/bigcapital#1416 (30, 60 and 90
-- days in no bucket), frappe/erpnext#56759 (151 days lost).
with buckets as (
    select
        bucket_limits,
        bucket,
        min_days_overdue,
        max_days_overdue,
        lag(max_days_overdue) over (
            partition by bucket_limits
            order by bucket_order
        ) as previous_max,
        row_number() over (
            partition by bucket_limits
            order by bucket_order
        ) as place,
        row_number() over (
            partition by bucket_limits
            order by bucket_order desc
        ) as place_from_end
    from {{ ref('int_aging_buckets') }}
)

select *
from buckets
where
    (place = 1) <> (min_days_overdue is null)
    or (place_from_end = 1) <> (max_days_overdue is null)
    or (place > 1 and min_days_overdue is distinct from previous_max + 1)
