-- grain: one row per as_of_date, basis, customer, currency and bucket, before credits are netted
-- Basis `entity` follows the choices of the entity; `home` those of the home, for balances that
-- span entities, and is there for the entities only that chose otherwise.
-- A view: each reader wants a part of it, and a second copy of all balances would cost seconds.
{{ config(materialized='view') }}

with bases as (
    select
        entity_id,
        'entity' as basis,
        bucket_limits
    from {{ ref('int_entity_policies') }}
    union all
    select
        entity_id,
        'home' as basis,
        home_bucket_limits as bucket_limits
    from {{ ref('int_entity_policies') }}
    where not ages_as_home
),

balances as (
    select
        as_of_date,
        'entity' as basis,
        is_netted,
        entity_id,
        customer_id,
        currency_code,
        bucket,
        company_currency_code,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount,
        count(*) as item_count
    from {{ ref('int_aged_items') }}
    group by
        as_of_date, is_netted, entity_id, customer_id, currency_code, bucket, company_currency_code
    union all
    select
        items.as_of_date,
        'home' as basis,
        items.is_netted_at_home as is_netted,
        items.entity_id,
        items.customer_id,
        items.currency_code,
        items.home_bucket as bucket,
        items.company_currency_code,
        sum(items.open_amount) as open_amount,
        sum(items.open_company_amount) as open_company_amount,
        count(*) as item_count
    from {{ ref('int_aged_items') }} as items
    inner join {{ ref('int_entity_policies') }} as policies
        on
            items.entity_id = policies.entity_id
            and not policies.ages_as_home
    group by
        items.as_of_date,
        items.is_netted_at_home,
        items.entity_id,
        items.customer_id,
        items.currency_code,
        items.home_bucket,
        items.company_currency_code
),

final as (
    select
        balances.as_of_date,
        balances.basis,
        balances.is_netted,
        balances.entity_id,
        balances.customer_id,
        balances.currency_code,
        balances.bucket,
        -- unapplied_credit is shown last.
        coalesce(buckets.bucket_order, 99) as bucket_order,
        balances.open_amount,
        balances.company_currency_code,
        balances.open_company_amount,
        balances.item_count
    from balances
    inner join bases
        on
            balances.entity_id = bases.entity_id
            and balances.basis = bases.basis
    left join {{ ref('int_aging_buckets') }} as buckets
        on
            bases.bucket_limits = buckets.bucket_limits
            and balances.bucket = buckets.bucket
)

select * from final
