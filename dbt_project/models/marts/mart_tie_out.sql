-- grain: one row per entity, ledger account and date: the books against the open items
-- For a ledger its side is recomputed from the one fiscal year that covers the date, opening lines
-- included, so it also proves that brought-forward lines were counted once. For other
-- sources it is the control totals they give, all receivable accounts of a date together.
with ledger_years as (
    select
        source,
        entity_id,
        closing_date,
        balance_from_closing_date,
        first_entry_date,
        lag(closing_date) over (
            partition by source, entity_id
            order by closing_date
        ) as previous_closing_date,
        lead(closing_date) over (
            partition by source, entity_id
            order by closing_date
        ) as next_closing_date
    from {{ ref('int_ledger_years') }}
),

ledger_dates as (
    select
        reporting_dates.as_of_date,
        ledger_years.source,
        ledger_years.entity_id,
        ledger_years.closing_date,
        ledger_years.balance_from_closing_date
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join ledger_years
        on
            reporting_dates.as_of_date >= ledger_years.first_entry_date
            and (
                ledger_years.previous_closing_date is null
                or reporting_dates.as_of_date > ledger_years.previous_closing_date
            )
            and (
                ledger_years.next_closing_date is null
                or reporting_dates.as_of_date <= ledger_years.closing_date
            )
),

-- A year that goes on from the one before, without opening entries, is counted with it.
counted_years as (
    select
        ledger_dates.as_of_date,
        ledger_dates.source,
        ledger_dates.entity_id,
        ledger_years.closing_date
    from ledger_dates
    inner join ledger_years
        on
            ledger_dates.source = ledger_years.source
            and ledger_dates.entity_id = ledger_years.entity_id
            and ledger_dates.closing_date >= ledger_years.closing_date
            and ledger_dates.balance_from_closing_date <= ledger_years.closing_date
),

ledger_accounts as (
    select
        source,
        entity_id,
        ledger_account
    from {{ ref('int_ledger_accounts') }}
    where is_receivable
),

ledger_balances as (
    select
        counted_years.as_of_date,
        counted_years.source,
        counted_years.entity_id,
        ledger_accounts.ledger_account,
        -- No line up to the date is truly a balance of zero.
        coalesce(sum(lines.signed_amount), 0) as ledger_balance
    from counted_years
    inner join ledger_accounts
        on
            counted_years.source = ledger_accounts.source
            and counted_years.entity_id = ledger_accounts.entity_id
    left join {{ ref('int_ledger_lines') }} as lines
        on
            counted_years.source = lines.source
            and counted_years.entity_id = lines.entity_id
            and counted_years.closing_date = lines.closing_date
            and ledger_accounts.ledger_account = lines.ledger_account
            and lines.entry_date <= counted_years.as_of_date
    group by
        counted_years.as_of_date, counted_years.source, counted_years.entity_id,
        ledger_accounts.ledger_account
),

given_balances as (
    select
        source,
        balance_date as as_of_date,
        entity_id,
        string_agg(ledger_account, '+' order by ledger_account) as ledger_account,
        sum(ledger_balance) as ledger_balance
    from {{ ref('int_gathered_ledger_balances') }}
    group by source, balance_date, entity_id
),

balances as (
    select
        source,
        as_of_date,
        entity_id,
        ledger_account,
        ledger_balance,
        true as is_one_account
    from ledger_balances
    union all
    select
        given_balances.source,
        given_balances.as_of_date,
        given_balances.entity_id,
        given_balances.ledger_account,
        given_balances.ledger_balance,
        false as is_one_account
    from given_balances
    inner join {{ ref('int_reporting_dates') }} as reporting_dates
        on given_balances.as_of_date = reporting_dates.as_of_date
),

-- The open items at a date, read from the positions; the aged balance from the aged items that
-- mart_aged_balance sums. A position is first seen, and first missed, at the end of a month or at
-- the as-of date: those with the same two dates are added up before they meet the dates between.
monthly_positions as (
    select
        items.source,
        positions.entity_id,
        items.ledger_account,
        least({{ month_end('positions.valid_from') }}, {{ as_of_date() }}) as seen_from,
        case
            when positions.valid_to is not null
                then least({{ month_end('positions.valid_to') }}, {{ as_of_date() }})
        end as seen_to,
        sum(positions.open_company_amount) as open_company_amount
    from {{ ref('fct_open_item_positions') }} as positions
    inner join {{ ref('fct_items') }} as items
        on positions.open_item_id = items.open_item_id
    group by
        items.source,
        positions.entity_id,
        items.ledger_account,
        least({{ month_end('positions.valid_from') }}, {{ as_of_date() }}),
        case
            when positions.valid_to is not null
                then least({{ month_end('positions.valid_to') }}, {{ as_of_date() }})
        end
),

positions as (
    select
        reporting_dates.as_of_date,
        monthly_positions.source,
        monthly_positions.entity_id,
        monthly_positions.ledger_account,
        sum(monthly_positions.open_company_amount) as open_company_amount
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join monthly_positions
        on
            monthly_positions.seen_from <= reporting_dates.as_of_date
            and (
                monthly_positions.seen_to is null
                or monthly_positions.seen_to > reporting_dates.as_of_date
            )
    group by
        reporting_dates.as_of_date, monthly_positions.source, monthly_positions.entity_id,
        monthly_positions.ledger_account
),

aged_items as (
    select
        aged_items.as_of_date,
        customers.source,
        aged_items.entity_id,
        aged_items.ledger_account,
        sum(aged_items.open_company_amount) as open_company_amount
    from {{ ref('int_aged_items') }} as aged_items
    inner join {{ ref('int_customers') }} as customers
        on aged_items.customer_id = customers.customer_id
    where aged_items.bucket is not null
    group by
        aged_items.as_of_date, customers.source, aged_items.entity_id, aged_items.ledger_account
),

final as (
    select
        balances.entity_id,
        balances.source,
        balances.ledger_account as account,
        balances.as_of_date,
        entities.base_currency as company_currency_code,
        balances.ledger_balance,
        coalesce(positions.open_company_amount, 0) as open_items_total,
        coalesce(aged_items.open_company_amount, 0) as aged_balance_total,
        balances.ledger_balance - coalesce(positions.open_company_amount, 0) as difference,
        balances.ledger_balance = coalesce(positions.open_company_amount, 0)
        and coalesce(positions.open_company_amount, 0)
        = coalesce(aged_items.open_company_amount, 0) as is_tied
    from balances
    inner join {{ ref('int_entities') }} as entities
        on balances.entity_id = entities.entity_id
    left join positions
        on
            balances.as_of_date = positions.as_of_date
            and balances.source = positions.source
            and balances.entity_id = positions.entity_id
            and (
                not balances.is_one_account
                or balances.ledger_account = positions.ledger_account
            )
    left join aged_items
        on
            balances.as_of_date = aged_items.as_of_date
            and balances.source = aged_items.source
            and balances.entity_id = aged_items.entity_id
            and (
                not balances.is_one_account
                or balances.ledger_account = aged_items.ledger_account
            )
)

select * from final
