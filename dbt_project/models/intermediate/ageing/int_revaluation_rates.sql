-- grain: one row per entity and foreign currency in which something is open at the as-of date
-- How old the rate is that revalues the currency, and whether that holds the publication.
with open_items as (
    select
        entity_id,
        currency_code,
        company_currency_code,
        issue_date,
        revaluation_rate,
        revaluation_rate_date
    from {{ ref('fct_open_items') }}
),

-- How far the books go: old books with rates as old are a legitimate thing to look at.
newest_items as (
    select
        entity_id,
        max(issue_date) as newest_issue_date
    from open_items
    group by entity_id
),

-- All items of a currency have the same rate.
open_currencies as (
    select
        entity_id,
        currency_code,
        company_currency_code,
        count(*) as item_count,
        max(revaluation_rate) as exchange_rate,
        max(revaluation_rate_date) as rate_date
    from open_items
    where currency_code <> company_currency_code
    group by entity_id, currency_code, company_currency_code
),

rates_aged as (
    select
        open_currencies.entity_id,
        open_currencies.currency_code,
        open_currencies.company_currency_code,
        open_currencies.item_count,
        open_currencies.exchange_rate,
        open_currencies.rate_date,
        newest_items.newest_issue_date,
        {{ days_between(as_of_date(), 'open_currencies.rate_date') }} as rate_age_days,
        {{ days_between('newest_items.newest_issue_date', 'open_currencies.rate_date') }}
            as outrun_days
    from open_currencies
    inner join newest_items
        on open_currencies.entity_id = newest_items.entity_id
),

judged as (
    select
        rates_aged.*,
        entity_policies.revaluation,
        entity_policies.rate_hold_after_days,
        entity_policies.rate_warn_after_days,
        case
            when rates_aged.rate_date is null then 'missing'
            when rates_aged.outrun_days > entity_policies.rate_hold_after_days then 'too_old'
            when rates_aged.rate_age_days > entity_policies.rate_warn_after_days then 'old'
            else 'current'
        end as rate_state
    from rates_aged
    inner join {{ ref('int_entity_policies') }} as entity_policies
        on rates_aged.entity_id = entity_policies.entity_id
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
        outrun_days,
        rate_hold_after_days,
        rate_warn_after_days,
        rate_state,
        rate_state in ('missing', 'too_old') and revaluation = 'required' as holds_publication,
        case rate_state
            when 'missing'
                then
                    'no rate of ' || currency_code || ' to ' || company_currency_code
                    || ' on or before ' || {{ as_of_date() }}
                    || ': deliver exchange_rates with one'
            when 'too_old'
                then
                    'last rate of ' || currency_code || ' to ' || company_currency_code
                    || ' is of ' || rate_date || ', the books go on to ' || newest_issue_date
                    || ': deliver exchange_rates up to ' || {{ as_of_date() }}
            when 'old'
                then
                    'last rate of ' || currency_code || ' to ' || company_currency_code
                    || ' is of ' || rate_date || ', ' || rate_age_days || ' days before '
                    || {{ as_of_date() }} || ': deliver exchange_rates up to that day'
        end as what_to_do
    from judged
)

select * from final
