-- Rule: the buckets of a customer sum to what its movements up to the date leave open, in both
-- currencies, at every date shown. Source: the definition of an open balance (sum of dated
-- movements); an aged balance that misses items is what frappe/erpnext#49262 and
-- OCA/account-financial-reporting#707 report. The movements are added up without positions or
-- ageing, so that an item lost by either shows.
-- Balances that start at zero and change by the same amounts are the same at every date, so the
-- changes are compared: a row is the date from which the two differ by another amount than before.
-- Each customer's sum must be zero, so their sum is too when each has a weight of its own; a row
-- names the entity, whose customers can then be added up one by one.
with reporting_dates as (
    select
        as_of_date,
        min(as_of_date) over () as first_date,
        lead(as_of_date) over (order by as_of_date) as next_date
    from {{ ref('int_reporting_dates') }}
),

changes as (
    -- A movement counts from the first reporting date on or after its day.
    select
        greatest(
            least({{ month_end('movement_date') }}, {{ as_of_date() }}),
            (select min(first_date) from reporting_dates)
        ) as as_of_date,
        entity_id,
        customer_id,
        currency_code,
        amount as moved_amount,
        company_amount as moved_company_amount
    from {{ ref('fct_receivable_movements') }}
    union all
    select
        as_of_date,
        entity_id,
        customer_id,
        currency_code,
        -open_amount as moved_amount,
        -open_company_amount as moved_company_amount
    from {{ ref('mart_aged_balance') }}
    union all
    -- What a date shows is there to begin with at the next one.
    select
        reporting_dates.next_date as as_of_date,
        shown.entity_id,
        shown.customer_id,
        shown.currency_code,
        shown.open_amount as moved_amount,
        shown.open_company_amount as moved_company_amount
    from {{ ref('mart_aged_balance') }} as shown
    inner join reporting_dates
        on shown.as_of_date = reporting_dates.as_of_date
    where reporting_dates.next_date is not null
)

-- Most amounts are the same in both currencies, so only their difference is added up beside them.
select
    as_of_date,
    entity_id,
    sum(moved_amount) as missing_amount,
    sum(moved_company_amount - moved_amount) filter (where moved_company_amount <> moved_amount)
        as missing_conversion_amount
from changes
group by as_of_date, entity_id
having
    sum(moved_amount * {{ row_digest(['customer_id', 'currency_code']) }}) <> 0
    or sum(
        (moved_company_amount - moved_amount) * {{ row_digest(['customer_id', 'currency_code']) }}
    ) filter (where moved_company_amount <> moved_amount) <> 0
