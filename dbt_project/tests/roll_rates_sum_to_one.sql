-- Rule: what rolls out of a bucket is what was open in it at the start of the period, to the
-- cent, and the rates of the bucket sum to 1. Source: domain, section 2.4: row sums = 1.
with rolled as (
    select
        period_start_date as as_of_date,
        period_end_date,
        entity_id,
        from_bucket as bucket,
        sum(rolled_company_amount) as rolled_company_amount,
        min(rolled_company_amount) as least_company_amount,
        sum(roll_rate) as roll_rate
    from {{ ref('mart_roll_rates') }}
    group by period_start_date, period_end_date, entity_id, from_bucket
),

aged_before as (
    select
        aged_items.as_of_date,
        aged_items.entity_id,
        aged_items.bucket,
        sum(aged_items.open_company_amount) as open_company_amount
    from {{ ref('int_aged_items') }} as aged_items
    inner join {{ ref('int_reporting_dates') }} as reporting_dates
        on
            aged_items.as_of_date = reporting_dates.as_of_date
            and not reporting_dates.is_current
    where aged_items.item_type = 'invoice'
    group by aged_items.as_of_date, aged_items.entity_id, aged_items.bucket
)

select
    as_of_date,
    entity_id,
    bucket,
    rolled.rolled_company_amount,
    aged_before.open_company_amount,
    rolled.roll_rate
from rolled
full outer join aged_before
    using (as_of_date, entity_id, bucket)
where
    coalesce(rolled.rolled_company_amount, 0) <> coalesce(aged_before.open_company_amount, 0)
    or rolled.least_company_amount < 0
    -- Each rate is rounded to six decimals.
    or abs(rolled.roll_rate - 1) > 0.0001
