-- Rule: the buckets of a customer sum to what its movements up to the date leave open, in both
-- currencies, at every date shown. Source: the definition of an open balance (sum of dated
-- movements); an aged balance that misses items is what frappe/erpnext#49262 and
-- OCA/account-financial-reporting#707 report. The movements are added up without positions or
-- ageing, so that an item lost by either shows.
with reporting_dates as (
    select as_of_date
    from {{ ref('int_reporting_dates') }}
),

-- A movement counts from the first reporting date on or after its day.
dated_movements as (
    select
        greatest(
            least({{ month_end('movements.movement_date') }}, {{ as_of_date() }}),
            first_dates.first_date
        ) as as_of_date,
        movements.entity_id,
        movements.customer_id,
        movements.currency_code,
        sum(movements.amount) as amount,
        sum(movements.company_amount) as company_amount
    from {{ ref('fct_receivable_movements') }} as movements
    cross join (select min(as_of_date) as first_date from reporting_dates) as first_dates
    group by 1, 2, 3, 4
),

accounts as (
    select distinct
        entity_id,
        customer_id,
        currency_code
    from dated_movements
),

expected as (
    select
        reporting_dates.as_of_date,
        accounts.entity_id,
        accounts.customer_id,
        accounts.currency_code,
        sum(coalesce(dated_movements.amount, 0)) over running as open_amount,
        sum(coalesce(dated_movements.company_amount, 0)) over running as open_company_amount
    from reporting_dates
    cross join accounts
    left join dated_movements
        on
            reporting_dates.as_of_date = dated_movements.as_of_date
            and accounts.customer_id = dated_movements.customer_id
            and accounts.entity_id = dated_movements.entity_id
            and accounts.currency_code = dated_movements.currency_code
    window running as (
        partition by accounts.entity_id, accounts.customer_id, accounts.currency_code
        order by reporting_dates.as_of_date
    )
),

shown as (
    select
        as_of_date,
        entity_id,
        customer_id,
        currency_code,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount
    from {{ ref('mart_aged_balance') }}
    group by as_of_date, entity_id, customer_id, currency_code
)

select
    as_of_date,
    entity_id,
    customer_id,
    currency_code,
    expected.open_amount as expected_amount,
    shown.open_amount as shown_amount,
    expected.open_company_amount as expected_company_amount,
    shown.open_company_amount as shown_company_amount
from expected
full outer join shown
    using (as_of_date, entity_id, customer_id, currency_code)
where
    coalesce(expected.open_amount, 0) <> coalesce(shown.open_amount, 0)
    or coalesce(expected.open_company_amount, 0) <> coalesce(shown.open_company_amount, 0)
