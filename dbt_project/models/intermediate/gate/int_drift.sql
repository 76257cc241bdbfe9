-- grain: one row per entity, measure and item that this build and the last publication share
-- What moved since the last publication, and whether that is more than thresholds.csv lets pass.
-- A new entity, currency or customer is no drift: only what was published is looked for again.
with followed as (
    select
        as_of_date,
        elapsed_days,
        {{ month_start('as_of_date') }} as month_start
    from {{ ref('int_followed_publication') }}
),

profile as (
    select
        entity_id,
        measure,
        item,
        measured_value,
        row_count
    from {{ ref('data_profile') }}
),

previous_profile as (
    select
        previous_profile.entity_id,
        case
            when previous_profile.measure <> 'revenue' then previous_profile.measure
            -- The month that runs at the publication, and the one before, may still be booked.
            when
                previous_profile.item
                < cast({{ add_months('followed.month_start', -1) }} as text)
                then 'revenue_of_closed_months'
            when previous_profile.item < cast(followed.month_start as text)
                then 'revenue_of_last_months'
        end as measure,
        previous_profile.measure as profile_measure,
        previous_profile.item,
        previous_profile.measured_value,
        previous_profile.row_count
    from {{ source('previous', 'data_profile') }} as previous_profile
    cross join followed
),

published_items as (
    select
        entity_id,
        measured_value as item_count
    from previous_profile
    where measure = 'items'
),

past_movements as (
    select
        entity_id,
        sum(movement_count) as movement_count
    from {{ ref('int_movement_totals') }}
    where not is_new
    group by entity_id
),

item_changes as (
    select
        entity_id,
        change,
        count(*) as item_count
    from {{ ref('int_item_changes') }}
    group by entity_id, change
),

-- Merged customers leave their invoices to another: they are gone, but nothing of theirs is.
vanished_customers as (
    select
        item_changes.entity_id,
        count(distinct item_changes.customer_id) as customer_count
    from {{ ref('int_item_changes') }} as item_changes
    left join {{ ref('dim_customer') }} as customers
        on item_changes.customer_id = customers.customer_id
    where item_changes.change = 'vanished' and customers.customer_id is null
    group by item_changes.entity_id
),

worst_buckets as (
    select
        entity_id,
        customer_id,
        max(bucket_order) as bucket_order
    from {{ ref('mart_aged_balance') }}
    where as_of_date = {{ as_of_date() }} and bucket <> 'unapplied_credit'
    group by entity_id, customer_id
),

previous_worst_buckets as (
    select
        balances.entity_id,
        balances.customer_id,
        max(balances.bucket_order) as bucket_order
    from {{ source('previous', 'mart_aged_balance') }} as balances
    inner join followed
        on balances.as_of_date = followed.as_of_date
    where balances.bucket <> 'unapplied_credit'
    group by balances.entity_id, balances.customer_id
),

bucket_changes as (
    select
        previous_worst_buckets.entity_id,
        count(*) as customer_count,
        -- Who owes nothing any more changed as well.
        sum(
            case
                when previous_worst_buckets.bucket_order = worst_buckets.bucket_order then 0
                else 1
            end
        ) as changed_count
    from previous_worst_buckets
    left join worst_buckets
        on previous_worst_buckets.customer_id = worst_buckets.customer_id
    group by previous_worst_buckets.entity_id
),

compared as (
    select
        previous_profile.entity_id,
        previous_profile.measure,
        previous_profile.item,
        previous_profile.measured_value as previous_value,
        -- What was published and is not there is nothing now.
        coalesce(profile.measured_value, 0) as measured_value,
        greatest(previous_profile.row_count, coalesce(profile.row_count, 0)) as row_count
    from previous_profile
    left join profile
        on
            previous_profile.entity_id = profile.entity_id
            and previous_profile.profile_measure = profile.measure
            and previous_profile.item = profile.item
    where
        -- A rate or a share of nothing is no figure.
        profile.entity_id is not null
        or previous_profile.measure not in (
            'average_invoice', 'invoice_rates', 'revaluation_rates',
            'unapplied_share', 'overdue_share', 'estimated_share'
        )
    union all
    select
        previous_profile.entity_id,
        'past_movements' as measure,
        'all' as item,
        previous_profile.measured_value as previous_value,
        coalesce(past_movements.movement_count, 0) as measured_value,
        previous_profile.row_count
    from previous_profile
    left join past_movements
        on previous_profile.entity_id = past_movements.entity_id
    where previous_profile.measure = 'movements'
    union all
    select
        published_items.entity_id,
        item_changes.change || '_items' as measure,
        'all' as item,
        published_items.item_count as previous_value,
        item_changes.item_count as measured_value,
        item_changes.item_count as row_count
    from published_items
    inner join item_changes
        on published_items.entity_id = item_changes.entity_id
    union all
    select
        published_items.entity_id,
        'vanished_customers' as measure,
        'all' as item,
        published_items.item_count as previous_value,
        vanished_customers.customer_count as measured_value,
        vanished_customers.customer_count as row_count
    from published_items
    inner join vanished_customers
        on published_items.entity_id = vanished_customers.entity_id
    union all
    select
        entity_id,
        'bucket_changes' as measure,
        'all' as item,
        customer_count as previous_value,
        changed_count as measured_value,
        customer_count as row_count
    from bucket_changes
    union all
    select
        entity_id,
        'restated_balance' as measure,
        'all' as item,
        opening_company_amount as previous_value,
        restated_company_amount as measured_value,
        item_count as row_count
    from {{ ref('int_roll_forward') }}
    where opening_company_amount <> 0
),

measured as (
    select
        compared.entity_id,
        compared.measure,
        compared.item,
        compared.previous_value,
        compared.measured_value,
        compared.row_count,
        case thresholds.change_kind
            when 'share'
                then abs(compared.measured_value) / nullif(abs(compared.previous_value), 0)
            when 'difference' then abs(compared.measured_value - compared.previous_value)
            -- From 60 to 20 is as far as from 20 to 60; nothing and something, and what owes and
            -- what is owed, are further apart than any limit.
            when 'factor'
                then case
                    when compared.measured_value = compared.previous_value then 0
                    when compared.measured_value * compared.previous_value <= 0 then 1000000
                    else
                        greatest(abs(compared.measured_value), abs(compared.previous_value))
                        / least(abs(compared.measured_value), abs(compared.previous_value)) - 1
                end
        end as change,
        thresholds.warn_above + thresholds.per_day * followed.elapsed_days as warn_above,
        thresholds.hold_above + thresholds.per_day * followed.elapsed_days as hold_above,
        thresholds.minimum_rows,
        thresholds.change_kind,
        thresholds.reason,
        announced.reason as announced_reason
    from compared
    cross join followed
    inner join {{ ref('int_thresholds') }} as thresholds
        on
            compared.entity_id = thresholds.entity_id
            and compared.measure = thresholds.measure
    left join {{ ref('int_announced_changes') }} as announced
        on
            compared.entity_id = announced.entity_id
            and compared.measure = announced.measure
),

judged as (
    select
        measured.*,
        case
            when row_count < minimum_rows then 'too_few'
            when change > hold_above and announced_reason is not null then 'announced'
            when change > hold_above then 'held'
            when change > warn_above and announced_reason is not null then 'announced'
            when change > warn_above then 'noted'
            else 'steady'
        end as state
    from measured
),

-- How far the value may go before it is reported (`noted`) or holds.
limited as (
    select
        judged.*,
        case state when 'noted' then warn_above else hold_above end as passed_change
    from judged
),

bounded as (
    select
        limited.*,
        case change_kind
            when 'share' then -passed_change * abs(previous_value)
            when 'difference' then previous_value - passed_change
            when 'factor'
                then least(
                    previous_value / (1 + passed_change), previous_value * (1 + passed_change)
                )
        end as lowest_value,
        case change_kind
            when 'share' then passed_change * abs(previous_value)
            when 'difference' then previous_value + passed_change
            when 'factor'
                then greatest(
                    previous_value / (1 + passed_change), previous_value * (1 + passed_change)
                )
        end as highest_value,
        -- A share is of what was published, so nothing at all is no change.
        case change_kind when 'share' then 0 else previous_value end as unchanged_value
    from limited
),

final as (
    select
        entity_id,
        measure,
        item,
        previous_value,
        measured_value,
        row_count,
        round(change, 6) as change,
        warn_above,
        hold_above,
        -- Of the two limits the one on the side to which the value moved.
        -- Rates and shares are small and exact, amounts and counts are neither.
        case
            when measured_value >= unchanged_value then null
            when abs(lowest_value) < 10 then round(lowest_value, 4)
            else round(lowest_value, 2)
        end as at_least,
        case
            when measured_value < unchanged_value then null
            when abs(highest_value) < 10 then round(highest_value, 4)
            else round(highest_value, 2)
        end as at_most,
        reason,
        announced_reason,
        state,
        case measure
            when 'vanished_items' then measured_value || ' of ' || previous_value
            when 'vanished_customers'
                then measured_value || ' with ' || previous_value || ' items published in all'
            when 'changed_items' then measured_value || ' of ' || previous_value
            when 'added_items' then measured_value || ' to ' || previous_value
            when 'bucket_changes' then measured_value || ' of ' || previous_value
            when 'restated_balance' then measured_value || ' of ' || previous_value
            else measured_value || ' after ' || previous_value
        end
        || case item when 'all' then '' else ' in ' || item end as told
    from bounded
)

select * from final
