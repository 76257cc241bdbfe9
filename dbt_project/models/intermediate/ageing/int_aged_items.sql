-- grain: one row per reporting date and item that is open on it
-- The one place where an item is aged: balances, statuses, DSO and tie-out all read it, so that
-- they cannot disagree.
with date_limits as (
    select
        min(business_date) as first_date,
        max(date_no) + 1 as open_end_no
    from {{ ref('int_reporting_days') }}
),

spans as (
    select
        positions.open_item_id,
        positions.open_amount,
        positions.open_company_amount,
        first_days.date_no as first_date_no,
        coalesce(end_days.date_no, date_limits.open_end_no) as end_date_no
    from {{ ref('fct_open_item_positions') }} as positions
    cross join date_limits
    inner join {{ ref('int_reporting_days') }} as first_days
        on greatest(positions.valid_from, date_limits.first_date) = first_days.business_date
    left join {{ ref('int_reporting_days') }} as end_days
        on
            case
                when positions.valid_to is not null
                    then greatest(positions.valid_to, date_limits.first_date)
            end = end_days.business_date
),

described as (
    select
        reporting_spans.as_of_date,
        items.open_item_id,
        items.document_id as item_key,
        items.entity_id,
        items.customer_id,
        items.item_type,
        items.ledger_account,
        items.is_doubtful,
        items.issue_date,
        items.due_date,
        items.currency_code,
        spans.open_amount,
        items.company_currency_code,
        spans.open_company_amount,
        items.exchange_rate,
        items.company_minor_units,
        case
            when items.item_type = 'invoice'
                then {{ days_between('reporting_spans.as_of_date', 'items.due_date') }}
        end as days_overdue
    from spans
    inner join {{ ref('int_reporting_spans') }} as reporting_spans
        on
            spans.first_date_no = reporting_spans.first_date_no
            and spans.end_date_no = reporting_spans.end_date_no
    inner join {{ ref('fct_items') }} as items
        on spans.open_item_id = items.open_item_id
),

-- Several disputes of one document may hold on one day; a dispute without amount is of all.
states as (
    select
        reporting_dates.as_of_date,
        item_states.document_id as item_key,
        bool_or(item_states.state_type = 'dispute') as is_disputed,
        bool_or(item_states.state_type = 'dispute' and item_states.amount is null)
            as is_wholly_disputed,
        sum(case when item_states.state_type = 'dispute' then item_states.amount end)
            as disputed_amount,
        -- litigation > collection when both hold
        max(case when item_states.state_type <> 'dispute' then item_states.state_type end)
            as collection_stage
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join {{ ref('fct_item_states') }} as item_states
        on
            item_states.state_type in ('dispute', 'collection', 'litigation')
            and item_states.opened_on <= reporting_dates.as_of_date
            and (
                item_states.closed_on is null
                or item_states.closed_on > reporting_dates.as_of_date
            )
    group by reporting_dates.as_of_date, item_states.document_id
),

-- Of one document, the oldest due date is disputed first: what is open before each instalment.
earlier_instalments as (
    select
        states.as_of_date,
        items.open_item_id,
        sum(positions.open_amount) over (
            partition by states.as_of_date, items.document_id
            order by items.due_date, items.instalment_no
        ) - positions.open_amount as open_before_amount
    from states
    inner join {{ ref('fct_items') }} as items
        on
            states.item_key = items.document_id
            and items.is_split
    inner join {{ ref('fct_open_item_positions') }} as positions
        on
            items.open_item_id = positions.open_item_id
            and states.as_of_date >= positions.valid_from
            and (positions.valid_to is null or states.as_of_date < positions.valid_to)
    where states.is_disputed and not states.is_wholly_disputed
),

stated as (
    select
        described.*,
        case
            when described.item_type <> 'invoice' or not coalesce(states.is_disputed, false)
                then 0
            when states.is_wholly_disputed then described.open_amount
            else
                least(
                    greatest(
                        states.disputed_amount
                        -- An invoice of one instalment has none before.
                        - coalesce(earlier_instalments.open_before_amount, 0),
                        0
                    ),
                    described.open_amount
                )
        end as disputed_amount,
        case when described.item_type = 'invoice' then states.collection_stage end
            as collection_stage
    from described
    left join states
        on
            described.as_of_date = states.as_of_date
            and described.item_key = states.item_key
    left join earlier_instalments
        on
            described.as_of_date = earlier_instalments.as_of_date
            and described.open_item_id = earlier_instalments.open_item_id
),

-- An entity has at most fourteen buckets; their arrays make one lookup per item of them.
entity_buckets as (
    select
        policies.entity_id,
        array_agg(buckets.min_days_overdue order by buckets.bucket_order)
            filter (where buckets.bucket_order > 0) as bucket_starts,
        array_agg(buckets.bucket order by buckets.bucket_order) as bucket_codes,
        array_agg(buckets.min_days_overdue order by buckets.bucket_order)
            filter (where buckets.bucket_order > 1) as issue_bucket_starts,
        array_agg(buckets.issue_bucket order by buckets.bucket_order)
            filter (where buckets.bucket_order > 0) as issue_bucket_codes
    from {{ ref('int_entity_policies') }} as policies
    inner join {{ ref('int_aging_buckets') }} as buckets
        on policies.bucket_limits = buckets.bucket_limits
    group by policies.entity_id
),

home_buckets as (
    select
        policies.entity_id,
        array_agg(buckets.min_days_overdue order by buckets.bucket_order)
            filter (where buckets.bucket_order > 0) as bucket_starts,
        array_agg(buckets.bucket order by buckets.bucket_order) as bucket_codes
    from {{ ref('int_entity_policies') }} as policies
    inner join {{ ref('int_aging_buckets') }} as buckets
        on policies.home_bucket_limits = buckets.bucket_limits
    group by policies.entity_id
),

choices as (
    select
        policies.entity_id,
        policies.unapplied,
        policies.doubtful_in_dso,
        policies.disputed_in_dso,
        policies.unapplied_in_dso,
        entity_buckets.bucket_starts,
        entity_buckets.bucket_codes,
        entity_buckets.issue_bucket_starts,
        entity_buckets.issue_bucket_codes,
        policies.home_unapplied,
        home_buckets.bucket_starts as home_bucket_starts,
        home_buckets.bucket_codes as home_bucket_codes
    from {{ ref('int_entity_policies') }} as policies
    inner join entity_buckets
        on policies.entity_id = entity_buckets.entity_id
    inner join home_buckets
        on policies.entity_id = home_buckets.entity_id
),

-- What credits leave open is aged by its own date where unapplied is own_date.
aged as (
    select
        stated.*,
        coalesce(
            stated.days_overdue,
            {{ days_between('stated.as_of_date', 'stated.issue_date') }}
        ) as days_of_age
    from stated
),

bucketed as (
    select
        aged.as_of_date,
        aged.open_item_id,
        aged.item_key,
        aged.entity_id,
        aged.customer_id,
        aged.item_type,
        aged.ledger_account,
        aged.is_doubtful,
        aged.issue_date,
        aged.due_date,
        aged.days_overdue,
        case
            when aged.item_type = 'invoice' or choices.unapplied = 'own_date'
                then
                    {{ age_bucket(
                        'aged.days_of_age', 'choices.bucket_starts', 'choices.bucket_codes'
                    ) }}
            else 'unapplied_credit'
        end as bucket,
        -- The same by the choices of the home, for balances that span entities.
        case
            when aged.item_type = 'invoice' or choices.home_unapplied = 'own_date'
                then
                    {{ age_bucket(
                        'aged.days_of_age',
                        'choices.home_bucket_starts',
                        'choices.home_bucket_codes'
                    ) }}
            else 'unapplied_credit'
        end as home_bucket,
        -- Of the as-of date alone, as the mart by issue date is.
        case
            when aged.as_of_date < {{ as_of_date() }} then null
            when aged.item_type = 'invoice' or choices.unapplied = 'own_date'
                then
                    {{ age_bucket(
                        days_between('aged.as_of_date', 'aged.issue_date'),
                        'choices.issue_bucket_starts',
                        'choices.issue_bucket_codes'
                    ) }}
            else 'unapplied_credit'
        end as issue_bucket,
        aged.currency_code,
        aged.open_amount,
        aged.company_currency_code,
        aged.open_company_amount,
        aged.disputed_amount,
        {{ company_amount(
            'aged.disputed_amount', 'aged.exchange_rate', 'aged.company_minor_units'
        ) }} as disputed_company_amount,
        aged.collection_stage,
        choices.unapplied = 'oldest_first' as is_netted,
        choices.home_unapplied = 'oldest_first' as is_netted_at_home,
        (
            (choices.doubtful_in_dso <> 'out' or not aged.is_doubtful)
            and (choices.unapplied_in_dso <> 'out' or aged.item_type = 'invoice')
        ) as counts_in_dso,
        choices.disputed_in_dso
    from aged
    inner join choices
        on aged.entity_id = choices.entity_id
),

final as (
    select
        as_of_date,
        open_item_id,
        item_key,
        entity_id,
        customer_id,
        item_type,
        ledger_account,
        is_doubtful,
        issue_date,
        due_date,
        days_overdue,
        bucket,
        home_bucket,
        issue_bucket,
        currency_code,
        open_amount,
        company_currency_code,
        open_company_amount,
        disputed_amount,
        disputed_company_amount,
        collection_stage,
        -- Whether credits are netted against the oldest buckets: by the choices of the entity, and
        -- by those of the home.
        is_netted,
        is_netted_at_home,
        -- What of the item counts in the DSO, and what of that is disputed.
        case
            when not counts_in_dso then 0
            when disputed_in_dso = 'out' then open_company_amount - disputed_company_amount
            else open_company_amount
        end as dso_company_amount,
        case
            when not counts_in_dso or disputed_in_dso = 'out' then 0
            else disputed_company_amount
        end as dso_disputed_company_amount
    from bucketed
)

select * from final
