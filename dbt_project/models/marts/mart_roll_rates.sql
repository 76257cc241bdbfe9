-- grain: one row per period end, entity, bucket at the period start, and what became of it
-- By item, weighted with the open amount at the start. An item that is settled in part splits: the
-- settled part goes to what settled it, the rest to its bucket at the end. New items are left out.
with periods as (
    select
        as_of_date as period_end_date,
        lag(as_of_date) over (order by as_of_date) as period_start_date
    from {{ ref('int_reporting_dates') }}
),

-- Both dates read the items themselves and not one CTE, which would be joined without statistics.
-- An item that a reversal has reopened beyond its opening amount rolls with that amount.
rolled as (
    select
        periods.period_end_date,
        opening.entity_id,
        opening.company_currency_code,
        opening.bucket as from_bucket,
        closing.bucket as to_bucket,
        closing.days_overdue > opening.days_overdue as is_later,
        opening.open_company_amount as from_company_amount,
        least(coalesce(closing.open_company_amount, 0), opening.open_company_amount)
            as left_company_amount
    from periods
    inner join {{ ref('int_aged_items') }} as opening
        on
            periods.period_start_date = opening.as_of_date
            and opening.item_type = 'invoice'
    left join {{ ref('int_aged_items') }} as closing
        on
            periods.period_end_date = closing.as_of_date
            and opening.open_item_id = closing.open_item_id
            and closing.item_type = 'invoice'
),

-- What is gone counts as paid until the few items that were written off or credited are known.
rolled_pairs as (
    select
        period_end_date,
        entity_id,
        from_bucket,
        to_bucket,
        is_later,
        min(company_currency_code) as company_currency_code,
        count(to_bucket) as left_count,
        sum(left_company_amount) as left_company_amount,
        count(*) filter (where left_company_amount < from_company_amount) as gone_count,
        sum(from_company_amount) as from_company_amount
    from rolled
    group by period_end_date, entity_id, from_bucket, to_bucket, is_later
),

-- The same items again, those alone that were settled by more than payments. They are few: one
-- reading of the aged items finds both dates of each. What is added up before a join has no
-- statistics, and the planner would lay out the items instead.
settled_sides as (
    select
        months.open_item_id,
        months.period_end_date,
        items.as_of_date = months.period_end_date as is_closing,
        items.entity_id,
        items.company_currency_code,
        items.bucket,
        items.days_overdue,
        items.open_company_amount,
        sum(
            case
                when months.settlement_type = 'write_off' then months.settled_company_amount
                else 0
            end
        ) as written_off_company_amount,
        sum(
            case
                when months.settlement_type = 'credit_note' then months.settled_company_amount
                else 0
            end
        ) as credited_company_amount
    from {{ ref('int_aged_items') }} as items
    inner join {{ ref('int_invoice_settlement_months') }} as months
        on
            items.open_item_id = months.open_item_id
            and months.settlement_type <> 'payment'
    inner join periods
        on
            months.period_end_date = periods.period_end_date
            and items.as_of_date in (periods.period_start_date, periods.period_end_date)
    where items.item_type = 'invoice'
    group by
        months.open_item_id,
        months.period_end_date,
        items.as_of_date,
        items.entity_id,
        items.company_currency_code,
        items.bucket,
        items.days_overdue,
        items.open_company_amount
),

rolled_settled as (
    select
        opening.period_end_date,
        opening.entity_id,
        opening.company_currency_code,
        opening.bucket as from_bucket,
        closing.bucket as to_bucket,
        closing.days_overdue > opening.days_overdue as is_later,
        opening.open_company_amount
        - least(coalesce(closing.open_company_amount, 0), opening.open_company_amount)
            as gone_company_amount,
        greatest(opening.written_off_company_amount, 0) as written_off_company_amount,
        greatest(opening.credited_company_amount, 0) as credited_company_amount
    from settled_sides as opening
    left join settled_sides as closing
        on
            opening.open_item_id = closing.open_item_id
            and opening.period_end_date = closing.period_end_date
            and closing.is_closing
    where not opening.is_closing
),

-- What is gone was written off, else credited, else paid: where a reversal in the same period gives
-- back more than one of them took, the parts still sum to what is gone.
written_off as (
    select
        rolled_settled.*,
        least(written_off_company_amount, gone_company_amount) as rolled_written_off_amount
    from rolled_settled
),

credited as (
    select
        written_off.*,
        least(credited_company_amount, gone_company_amount - rolled_written_off_amount)
            as rolled_credited_amount
    from written_off
),

settled_pairs as (
    select
        period_end_date,
        entity_id,
        from_bucket,
        to_bucket,
        is_later,
        min(company_currency_code) as company_currency_code,
        count(*) filter (where rolled_written_off_amount > 0) as written_off_count,
        sum(rolled_written_off_amount) as written_off_company_amount,
        count(*) filter (where rolled_credited_amount > 0) as credited_count,
        sum(rolled_credited_amount) as credited_company_amount,
        count(*) filter (
            where
            gone_company_amount > 0
            and gone_company_amount = rolled_written_off_amount + rolled_credited_amount
        ) as unpaid_count
    from credited
    group by period_end_date, entity_id, from_bucket, to_bucket, is_later
),

destinations as (
    select
        period_end_date,
        entity_id,
        company_currency_code,
        from_bucket,
        case
            when to_bucket = from_bucket then 'same'
            when is_later then 'worse'
            else 'better'
        end as to_state,
        to_bucket,
        left_count as item_count,
        left_company_amount as rolled_company_amount
    from rolled_pairs
    where left_count > 0
    union all
    select
        period_end_date,
        entity_id,
        company_currency_code,
        from_bucket,
        'paid' as to_state,
        cast(null as text) as to_bucket,
        gone_count as item_count,
        from_company_amount - left_company_amount as rolled_company_amount
    from rolled_pairs
    union all
    select
        period_end_date,
        entity_id,
        company_currency_code,
        from_bucket,
        'paid' as to_state,
        cast(null as text) as to_bucket,
        -unpaid_count as item_count,
        -written_off_company_amount - credited_company_amount as rolled_company_amount
    from settled_pairs
    union all
    select
        period_end_date,
        entity_id,
        company_currency_code,
        from_bucket,
        'written_off' as to_state,
        cast(null as text) as to_bucket,
        written_off_count as item_count,
        written_off_company_amount as rolled_company_amount
    from settled_pairs
    union all
    select
        period_end_date,
        entity_id,
        company_currency_code,
        from_bucket,
        'credited' as to_state,
        cast(null as text) as to_bucket,
        credited_count as item_count,
        credited_company_amount as rolled_company_amount
    from settled_pairs
),

summed as (
    select
        period_end_date,
        entity_id,
        company_currency_code,
        from_bucket,
        to_state,
        to_bucket,
        cast(sum(item_count) as bigint) as item_count,
        sum(rolled_company_amount) as rolled_company_amount
    from destinations
    group by
        period_end_date, entity_id, company_currency_code,
        from_bucket, to_state, to_bucket
    having sum(item_count) > 0
),

shared as (
    select
        summed.*,
        sum(rolled_company_amount) over (
            partition by period_end_date, entity_id, from_bucket
        ) as from_company_amount
    from summed
),

final as (
    select
        shared.period_end_date,
        periods.period_start_date,
        shared.entity_id,
        shared.from_bucket,
        shared.to_state,
        shared.to_bucket,
        shared.company_currency_code,
        shared.item_count,
        shared.rolled_company_amount,
        shared.from_company_amount,
        round(shared.rolled_company_amount / shared.from_company_amount, 6) as roll_rate
    from shared
    inner join periods
        on shared.period_end_date = periods.period_end_date
    where shared.from_company_amount > 0
)

select * from final
