-- grain: one row per reporting date and item that is open on it
-- The one place where an item is aged: balances, statuses, DSO and tie-out all read it, so that
-- they cannot disagree.
with open_positions as (
    select
        reporting_dates.as_of_date,
        positions.open_item_id,
        positions.entity_id,
        positions.customer_id,
        positions.item_type,
        positions.currency_code,
        positions.open_amount,
        positions.company_currency_code,
        positions.open_company_amount
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join {{ ref('fct_open_item_positions') }} as positions
        on
            positions.valid_from <= reporting_dates.as_of_date
            and (
                positions.valid_to is null
                or positions.valid_to > reporting_dates.as_of_date
            )
),

described as (
    select
        open_positions.as_of_date,
        open_positions.open_item_id,
        items.item_key,
        open_positions.entity_id,
        open_positions.customer_id,
        open_positions.item_type,
        items.ledger_account,
        items.is_doubtful,
        items.due_date,
        items.instalment_no,
        open_positions.currency_code,
        open_positions.open_amount,
        open_positions.company_currency_code,
        open_positions.open_company_amount,
        items.exchange_rate,
        items.company_minor_units,
        case
            when open_positions.item_type = 'invoice'
                then {{ days_between('open_positions.as_of_date', 'items.due_date') }}
        end as days_overdue,
        -- Of one document, the oldest due date is disputed first.
        sum(open_positions.open_amount) over (
            partition by open_positions.as_of_date, items.item_key
            order by items.due_date, items.instalment_no
        ) - open_positions.open_amount as open_before_amount
    from open_positions
    inner join {{ ref('int_items') }} as items
        on open_positions.open_item_id = items.open_item_id
),

-- Several disputes of one document may hold on one day; a dispute without amount is of all.
disputes as (
    select
        reporting_dates.as_of_date,
        states.item_key,
        bool_or(states.amount is null) as is_whole,
        sum(states.amount) as disputed_amount
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join {{ ref('int_item_states') }} as states
        on
            states.state_type = 'dispute'
            and states.opened_on <= reporting_dates.as_of_date
            and (states.closed_on is null or states.closed_on > reporting_dates.as_of_date)
    group by reporting_dates.as_of_date, states.item_key
),

cases as (
    select
        reporting_dates.as_of_date,
        states.item_key,
        -- litigation > collection when both hold
        max(states.state_type) as collection_stage
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join {{ ref('int_item_states') }} as states
        on
            states.state_type in ('collection', 'litigation')
            and states.opened_on <= reporting_dates.as_of_date
            and (states.closed_on is null or states.closed_on > reporting_dates.as_of_date)
    group by reporting_dates.as_of_date, states.item_key
),

stated as (
    select
        described.*,
        case
            when described.item_type <> 'invoice' or disputes.item_key is null then 0
            when disputes.is_whole then described.open_amount
            else
                least(
                    greatest(disputes.disputed_amount - described.open_before_amount, 0),
                    described.open_amount
                )
        end as disputed_amount,
        case when described.item_type = 'invoice' then cases.collection_stage end
            as collection_stage
    from described
    left join disputes
        on
            described.as_of_date = disputes.as_of_date
            and described.item_key = disputes.item_key
    left join cases
        on
            described.as_of_date = cases.as_of_date
            and described.item_key = cases.item_key
),

final as (
    select
        stated.as_of_date,
        stated.open_item_id,
        stated.item_key,
        stated.entity_id,
        stated.customer_id,
        stated.item_type,
        stated.ledger_account,
        stated.is_doubtful,
        stated.due_date,
        stated.days_overdue,
        case
            when stated.item_type = 'invoice' then cast(aging_buckets.bucket as text)
            else 'unapplied_credit'
        end as bucket,
        stated.currency_code,
        stated.open_amount,
        stated.company_currency_code,
        stated.open_company_amount,
        stated.disputed_amount,
        {{ company_amount(
            'stated.disputed_amount', 'stated.exchange_rate', 'stated.company_minor_units'
        ) }} as disputed_company_amount,
        stated.collection_stage
    from stated
    left join {{ ref('aging_buckets') }} as aging_buckets
        on
            (
                aging_buckets.min_days_overdue is null
                or stated.days_overdue >= aging_buckets.min_days_overdue
            )
            and (
                aging_buckets.max_days_overdue is null
                or stated.days_overdue <= aging_buckets.max_days_overdue
            )
)

select * from final
