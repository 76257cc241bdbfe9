-- grain: one row per as_of_date, basis, customer, currency and bucket, before credits are netted
-- Basis `entity` follows the choices of the entity; `home` those of the home, for balances that
-- span entities, and is there for the entities only that chose otherwise. Basis `issue_date` is by
-- the date of the document and the choices of the entity, at the as-of date only.
-- A view: each reader wants a part of it, and a second copy of all balances would cost seconds.
{{ config(materialized='view') }}

with bucket_orders as (
    select
        policies.entity_id,
        'entity' as basis,
        buckets.bucket,
        buckets.bucket_order
    from {{ ref('int_entity_policies') }} as policies
    inner join {{ ref('int_aging_buckets') }} as buckets
        on policies.bucket_limits = buckets.bucket_limits
    union all
    select
        policies.entity_id,
        'home' as basis,
        buckets.bucket,
        buckets.bucket_order
    from {{ ref('int_entity_policies') }} as policies
    inner join {{ ref('int_aging_buckets') }} as buckets
        on policies.home_bucket_limits = buckets.bucket_limits
    union all
    select
        policies.entity_id,
        'issue_date' as basis,
        buckets.issue_bucket as bucket,
        buckets.bucket_order
    from {{ ref('int_entity_policies') }} as policies
    inner join {{ ref('int_aging_buckets') }} as buckets
        on policies.bucket_limits = buckets.bucket_limits
    where buckets.bucket_order > 0
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
    union all
    select
        as_of_date,
        'issue_date' as basis,
        is_netted,
        entity_id,
        customer_id,
        currency_code,
        issue_bucket as bucket,
        company_currency_code,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount,
        count(*) as item_count
    from {{ ref('int_aged_items') }}
    where as_of_date = {{ as_of_date() }}
    group by
        as_of_date,
        is_netted,
        entity_id,
        customer_id,
        currency_code,
        issue_bucket,
        company_currency_code
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
        coalesce(bucket_orders.bucket_order, 99) as bucket_order,
        balances.open_amount,
        balances.company_currency_code,
        balances.open_company_amount,
        balances.item_count
    from balances
    left join bucket_orders
        on
            balances.entity_id = bucket_orders.entity_id
            and balances.basis = bucket_orders.basis
            and balances.bucket = bucket_orders.bucket
)

select * from final
