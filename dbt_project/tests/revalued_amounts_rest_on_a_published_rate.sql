-- Rule: a foreign item is revalued at the last rate published on or before the as-of date, an item
-- in the base currency is not, and without a rate there is no revalued amount. Source: contracts,
-- section 3; a rate of 1 in place of a missing one adds dollars to euros
-- (fivetran/dbt_quickbooks#115).
with open_items as (
    select
        items.open_item_id,
        items.currency_code,
        items.company_currency_code,
        items.open_amount,
        items.open_company_amount,
        items.open_revalued_amount,
        items.revaluation_rate_date,
        entities.minor_units
    from {{ ref('fct_open_items') }} as items
    inner join {{ ref('int_entities') }} as entities
        on items.entity_id = entities.entity_id
),

last_rate_dates as (
    select
        currency_code,
        base_currency,
        max(rate_date) as rate_date
    from {{ ref('int_gathered_exchange_rates') }}
    where rate_date <= {{ as_of_date() }}
    group by currency_code, base_currency
),

-- The company's own files go before what an accounting tool says.
last_rates as (
    select
        rates.currency_code,
        rates.base_currency,
        rates.rate_date,
        rates.exchange_rate,
        row_number() over (
            partition by rates.currency_code, rates.base_currency
            order by case rates.source when 'files' then 0 else 1 end, rates.source
        ) as source_rank
    from {{ ref('int_gathered_exchange_rates') }} as rates
    inner join last_rate_dates
        on
            rates.currency_code = last_rate_dates.currency_code
            and rates.base_currency = last_rate_dates.base_currency
            and rates.rate_date = last_rate_dates.rate_date
),

expected as (
    select
        open_items.*,
        case
            when open_items.currency_code = open_items.company_currency_code
                then open_items.open_company_amount
            else
                round(open_items.open_amount * last_rates.exchange_rate, open_items.minor_units)
        end as expected_amount,
        case
            when open_items.currency_code <> open_items.company_currency_code
                then last_rates.rate_date
        end as expected_date
    from open_items
    left join last_rates
        on
            open_items.currency_code = last_rates.currency_code
            and open_items.company_currency_code = last_rates.base_currency
            and last_rates.source_rank = 1
)

select *
from expected
where
    open_revalued_amount is distinct from expected_amount
    or revaluation_rate_date is distinct from expected_date
