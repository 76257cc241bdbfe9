-- grain: one row per entity and foreign currency in which something is open at the as-of date
-- The rate that revalues the currency: the last one published on or before the date, carried
-- forward, how old it is, and whether that holds the publication. No rate is ever supposed.
with open_currencies as (
    select
        entity_id,
        currency_code,
        company_currency_code,
        count(*) as item_count
    from {{ ref('int_aged_items') }}
    where
        as_of_date = {{ as_of_date() }}
        and currency_code <> company_currency_code
    group by entity_id, currency_code, company_currency_code
),

ranked_rates as (
    select
        currency_code,
        base_currency,
        rate_date,
        exchange_rate,
        row_number() over (
            partition by currency_code, base_currency
            order by rate_date desc
        ) as rate_rank
    from {{ ref('stg_files__exchange_rates') }}
    where rate_date <= {{ as_of_date() }}
),

rates_aged as (
    select
        open_currencies.entity_id,
        open_currencies.currency_code,
        open_currencies.company_currency_code,
        open_currencies.item_count,
        ranked_rates.exchange_rate,
        ranked_rates.rate_date,
        {{ days_between(as_of_date(), 'ranked_rates.rate_date') }} as rate_age_days,
        entity_policies.revaluation,
        case
            when ranked_rates.rate_date is null then 'missing'
            when
                {{ days_between(as_of_date(), 'ranked_rates.rate_date') }}
                > entity_policies.rate_hold_after_days
                then 'too_old'
            when
                {{ days_between(as_of_date(), 'ranked_rates.rate_date') }}
                > entity_policies.rate_warn_after_days
                then 'old'
            else 'current'
        end as rate_state
    from open_currencies
    inner join {{ ref('int_entity_policies') }} as entity_policies
        on open_currencies.entity_id = entity_policies.entity_id
    left join ranked_rates
        on
            open_currencies.currency_code = ranked_rates.currency_code
            and open_currencies.company_currency_code = ranked_rates.base_currency
            and ranked_rates.rate_rank = 1
),

final as (
    select
        entity_id,
        currency_code,
        company_currency_code,
        item_count,
        exchange_rate,
        rate_date,
        rate_age_days,
        rate_state,
        rate_state in ('missing', 'too_old') and revaluation = 'required' as holds_publication,
        case
            when rate_state = 'missing'
                then
                    'no rate of ' || currency_code || ' to ' || company_currency_code
                    || ' on or before ' || {{ as_of_date() }}
                    || ': deliver exchange_rates with one'
            when rate_state <> 'current'
                then
                    'last rate of ' || currency_code || ' to ' || company_currency_code
                    || ' is of ' || rate_date || ', ' || rate_age_days || ' days before '
                    || {{ as_of_date() }} || ': deliver exchange_rates up to that day'
        end as what_to_do
    from rates_aged
)

select * from final
