-- grain: one row per company, or entity of it, that is read
-- Only documents tell the base currency. A company whose entities have several is read by entity
-- (location_id); if it is not, the currency of most documents is taken, and documents that have
-- their company amounts in another are refused.
with latest as (
    select
        entity_id,
        coalesce(
            {{ intacct_text('payload', 'BASECURR') }}, {{ intacct_text('payload', 'CURRENCY') }}
        ) as base_currency,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'invoices')) }}
        and not is_deleted
    union all
    select
        entity_id,
        coalesce(
            {{ intacct_text('payload', 'BASECURR') }}, {{ intacct_text('payload', 'CURRENCY') }}
        ) as base_currency,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_intacct', 'adjustments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_intacct', 'adjustments')) }}
        and not is_deleted
),

currencies as (
    select
        entity_id,
        base_currency,
        count(*) as document_count,
        min(known_at) as known_at
    from latest
    where base_currency is not null
    group by entity_id, base_currency
),

ranked as (
    select
        entity_id,
        base_currency,
        min(known_at) over (partition by entity_id) as known_at,
        row_number() over (
            partition by entity_id
            order by document_count desc, base_currency
        ) as currency_rank
    from currencies
),

final as (
    select
        entity_id as record_key,
        cast(null as integer) as line_no,
        entity_id,
        cast(null as text) as entity_name,
        cast(null as text) as siren,
        base_currency,
        cast(null as text) as time_zone,
        known_at
    from ranked
    where currency_rank = 1
)

select * from final
