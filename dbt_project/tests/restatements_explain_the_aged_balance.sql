-- Rule: at a month end that was published before, what changed item by item sums to the change of
-- the aged balance of the entity.
-- Source: contracts, section 3: the buckets of a date sum to the open items of that date.
with previous_publication as (
    select as_of_date
    from {{ source('previous', 'publication_info') }}
    where known_on < {{ known_on() }}
),

shared_dates as (
    select reporting_dates.as_of_date
    from {{ ref('int_reporting_dates') }} as reporting_dates
    inner join previous_publication
        on reporting_dates.as_of_date <= previous_publication.as_of_date
    inner join (
        select as_of_date
        from {{ source('previous', 'mart_aged_balance') }}
        group by as_of_date
    ) as published_dates
        on reporting_dates.as_of_date = published_dates.as_of_date
    where reporting_dates.as_of_date = {{ month_end('reporting_dates.as_of_date') }}
),

parts as (
    select
        as_of_date,
        entity_id,
        open_company_amount as change_company_amount
    from {{ ref('mart_aged_balance') }}
    union all
    select
        as_of_date,
        entity_id,
        -open_company_amount as change_company_amount
    from {{ source('previous', 'mart_aged_balance') }}
    union all
    select
        as_of_date,
        entity_id,
        -change_company_amount as change_company_amount
    from {{ ref('mart_restatements') }}
)

select
    parts.as_of_date,
    parts.entity_id,
    sum(parts.change_company_amount) as unexplained_company_amount
from parts
inner join shared_dates
    on parts.as_of_date = shared_dates.as_of_date
group by parts.as_of_date, parts.entity_id
having sum(parts.change_company_amount) <> 0
