-- grain: one row per period end, entity, bucket at the period start, and what became of it
-- By item, weighted with the open amount at the start. An item that is settled in part splits: the
-- settled part goes to what settled it, the rest to its bucket at the end. New items are left out.
with periods as (
    select
        as_of_date as period_end_date,
        lag(as_of_date) over (order by as_of_date) as period_start_date
    from {{ ref('int_reporting_dates') }}
),

open_invoices as (
    select
        as_of_date,
        open_item_id,
        entity_id,
        company_currency_code,
        bucket,
        days_overdue,
        open_company_amount
    from {{ ref('int_aged_items') }}
    where item_type = 'invoice'
),

settled as (
    select
        open_item_id,
        period_end_date,
        sum(case when settlement_type = 'write_off' then settled_company_amount else 0 end)
            as written_off_company_amount,
        sum(case when settlement_type = 'credit_note' then settled_company_amount else 0 end)
            as credited_company_amount
    from {{ ref('int_invoice_settlement_months') }}
    where settlement_type <> 'payment'
    group by open_item_id, period_end_date
),

rolled as (
    select
        periods.period_end_date,
        periods.period_start_date,
        opening.open_item_id,
        opening.entity_id,
        opening.company_currency_code,
        opening.bucket as from_bucket,
        opening.open_company_amount as from_company_amount,
        closing.bucket as to_bucket,
        closing.days_overdue > opening.days_overdue as is_later,
        -- An item that a reversal has reopened beyond its opening amount rolls with that amount.
        least(coalesce(closing.open_company_amount, 0), opening.open_company_amount)
            as left_company_amount,
        greatest(coalesce(settled.written_off_company_amount, 0), 0) as written_off_company_amount,
        greatest(coalesce(settled.credited_company_amount, 0), 0) as credited_company_amount
    from periods
    inner join open_invoices as opening
        on periods.period_start_date = opening.as_of_date
    left join open_invoices as closing
        on
            periods.period_end_date = closing.as_of_date
            and opening.open_item_id = closing.open_item_id
    left join settled
        on
            periods.period_end_date = settled.period_end_date
            and opening.open_item_id = settled.open_item_id
),

-- What is gone was written off, else credited, else paid: where a reversal in the same period gives
-- back more than one of them took, the parts still sum to what is gone.
written_off as (
    select
        rolled.*,
        least(written_off_company_amount, from_company_amount - left_company_amount)
            as rolled_written_off_amount
    from rolled
),

credited as (
    select
        written_off.*,
        least(
            credited_company_amount,
            from_company_amount - left_company_amount - rolled_written_off_amount
        ) as rolled_credited_amount
    from written_off
),

paid as (
    select
        credited.*,
        from_company_amount - left_company_amount - rolled_written_off_amount
        - rolled_credited_amount as rolled_paid_amount
    from credited
),

-- Added up by the two buckets first: what follows reads some dozens of rows per period.
pairs as (
    select
        period_end_date,
        period_start_date,
        entity_id,
        company_currency_code,
        from_bucket,
        to_bucket,
        is_later,
        count(to_bucket) as left_count,
        sum(left_company_amount) as left_company_amount,
        sum(case when rolled_written_off_amount > 0 then 1 else 0 end) as written_off_count,
        sum(rolled_written_off_amount) as written_off_company_amount,
        sum(case when rolled_credited_amount > 0 then 1 else 0 end) as credited_count,
        sum(rolled_credited_amount) as credited_company_amount,
        sum(case when rolled_paid_amount > 0 then 1 else 0 end) as paid_count,
        sum(rolled_paid_amount) as paid_company_amount
    from paid
    group by
        period_end_date, period_start_date, entity_id, company_currency_code,
        from_bucket, to_bucket, is_later
),

destinations as (
    select
        period_end_date,
        period_start_date,
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
    from pairs
    where left_count > 0
    union all
    select
        period_end_date,
        period_start_date,
        entity_id,
        company_currency_code,
        from_bucket,
        'written_off' as to_state,
        cast(null as text) as to_bucket,
        written_off_count as item_count,
        written_off_company_amount as rolled_company_amount
    from pairs
    where written_off_count > 0
    union all
    select
        period_end_date,
        period_start_date,
        entity_id,
        company_currency_code,
        from_bucket,
        'credited' as to_state,
        cast(null as text) as to_bucket,
        credited_count as item_count,
        credited_company_amount as rolled_company_amount
    from pairs
    where credited_count > 0
    union all
    select
        period_end_date,
        period_start_date,
        entity_id,
        company_currency_code,
        from_bucket,
        'paid' as to_state,
        cast(null as text) as to_bucket,
        paid_count as item_count,
        paid_company_amount as rolled_company_amount
    from pairs
    where paid_count > 0
),

summed as (
    select
        period_end_date,
        period_start_date,
        entity_id,
        company_currency_code,
        from_bucket,
        to_state,
        to_bucket,
        cast(sum(item_count) as bigint) as item_count,
        sum(rolled_company_amount) as rolled_company_amount
    from destinations
    group by
        period_end_date, period_start_date, entity_id, company_currency_code,
        from_bucket, to_state, to_bucket
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
        period_end_date,
        period_start_date,
        entity_id,
        from_bucket,
        to_state,
        to_bucket,
        company_currency_code,
        item_count,
        rolled_company_amount,
        from_company_amount,
        round(rolled_company_amount / from_company_amount, 6) as roll_rate
    from shared
    where from_company_amount > 0
)

select * from final
