-- grain: one row per entity and source: how old its books are, and whether that holds
-- Files are delivered when a month is closed, so their age is that of the last invoice or entry at
-- the as-of date; an API is read every night, so its age is that of the reading. What is too old
-- holds once: where it was published as old before, a person has let it pass.
with followed as (
    select
        as_of_date,
        known_on
    from {{ ref('int_followed_publication') }}
),

covered as (
    select
        entity_id,
        source,
        max(case when stream in ('documents', 'ledger_lines') then last_business_date end)
            as last_business_date,
        max(last_extracted_at) as last_read_at
    from {{ ref('data_coverage') }}
    where entity_id is not null
    group by entity_id, source
),

previously_covered as (
    select
        coverage.entity_id,
        coverage.source,
        followed.as_of_date,
        followed.known_on,
        max(
            case
                when coverage.stream in ('documents', 'ledger_lines')
                    then coverage.last_business_date
            end
        ) as last_business_date,
        max(coverage.last_extracted_at) as last_read_at
    from {{ source('previous', 'data_coverage') }} as coverage
    cross join followed
    group by coverage.entity_id, coverage.source, followed.as_of_date, followed.known_on
),

aged as (
    select
        covered.entity_id,
        covered.source,
        freshness.role,
        freshness.counted_from,
        covered.last_business_date,
        covered.last_read_at,
        case freshness.counted_from
            when 'business' then entity_policies.stale_after_days
            else freshness.warn_after_days
        end as warn_after_days,
        freshness.hold_after_days,
        freshness.reason,
        case freshness.counted_from
            when 'business' then {{ days_between(as_of_date(), 'covered.last_business_date') }}
            else {{ days_between(
                day_in_zone(known_on(), "'UTC'"), day_in_zone('covered.last_read_at', "'UTC'")
            ) }}
        end as age_days,
        case freshness.counted_from
            when 'business'
                then {{ days_between(
                    'previously_covered.as_of_date', 'previously_covered.last_business_date'
                ) }}
            else {{ days_between(
                day_in_zone('previously_covered.known_on', "'UTC'"),
                day_in_zone('previously_covered.last_read_at', "'UTC'")
            ) }}
        end as previous_age_days
    from covered
    inner join {{ ref('freshness') }} as freshness
        on covered.source = freshness.source
    left join {{ ref('int_entity_policies') }} as entity_policies
        on covered.entity_id = entity_policies.entity_id
    left join previously_covered
        on
            covered.entity_id = previously_covered.entity_id
            and covered.source = previously_covered.source
),

final as (
    select
        entity_id,
        source,
        role,
        counted_from,
        last_business_date,
        last_read_at,
        age_days,
        warn_after_days,
        hold_after_days,
        reason,
        case
            when age_days > hold_after_days and previous_age_days <= hold_after_days then 'too_old'
            when age_days > least(warn_after_days, hold_after_days) then 'late'
            else 'fresh'
        end as state
    from aged
)

select * from final
