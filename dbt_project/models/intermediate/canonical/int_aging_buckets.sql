-- grain: one row per bucket_limits that somebody chose, and bucket that follows from them
-- 30|60 gives not_due (to 0), overdue_1_30, overdue_31_60 and overdue_over_60: the buckets touch
-- each other and have no end on either side. By the issue date they are issued_0_30, issued_31_60
-- and issued_over_60.
with chosen_limits as (
    select policy_value as bucket_limits
    from {{ ref('int_policies') }}
    where policy = 'bucket_limits'
    union
    select policy_value as bucket_limits
    from {{ ref('int_home_policies') }}
    where policy = 'bucket_limits'
),

counted as (
    select
        bucket_limits,
        length(bucket_limits) - length(replace(bucket_limits, '|', '')) + 1 as limit_count
    from chosen_limits
),

limited as (
    select
        counted.bucket_limits,
        counted.limit_count,
        numbers.n as bucket_order,
        case
            when numbers.n = 0 then 0
            when numbers.n <= counted.limit_count
                then cast(split_part(counted.bucket_limits, '|', numbers.n) as integer)
        end as max_days_overdue
    from counted
    inner join {{ ref('numbers') }} as numbers
        on numbers.n <= counted.limit_count + 1
),

bounded as (
    select
        bucket_limits,
        limit_count,
        bucket_order,
        1 + lag(max_days_overdue) over (
            partition by bucket_limits
            order by bucket_order
        ) as min_days_overdue,
        max_days_overdue
    from limited
),

final as (
    select
        bucket_limits,
        case
            when bucket_order = 0 then 'not_due'
            when max_days_overdue is null
                then 'overdue_over_' || cast(min_days_overdue - 1 as text)
            else
                'overdue_' || cast(min_days_overdue as text)
                || '_' || cast(max_days_overdue as text)
        end as bucket,
        -- The same limits in days since the issue date; the first bucket takes the day itself.
        case
            when bucket_order = 0 then null
            when max_days_overdue is null
                then 'issued_over_' || cast(min_days_overdue - 1 as text)
            when bucket_order = 1 then 'issued_0_' || cast(max_days_overdue as text)
            else
                'issued_' || cast(min_days_overdue as text)
                || '_' || cast(max_days_overdue as text)
        end as issue_bucket,
        bucket_order,
        min_days_overdue,
        max_days_overdue
    from bounded
)

select * from final
