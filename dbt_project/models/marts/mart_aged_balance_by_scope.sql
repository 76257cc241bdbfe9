-- grain: one row per as_of_date, scope_type, scope_value, currency and bucket
-- Entities by their own choices; what spans entities by the home's. A customer's own aged balance
-- is mart_aged_balance. Balances are added up by profile before they meet the scopes, of which each
-- customer has many.
with agreeing_entities as (
    select entity_id
    from {{ ref('int_entity_policies') }}
    where ages_as_home
),

balances_by_home as (
    select
        balances.as_of_date,
        balances.customer_id,
        balances.currency_code,
        balances.bucket,
        balances.bucket_order,
        balances.open_amount,
        balances.open_company_amount,
        balances.item_count
    from {{ ref('mart_aged_balance') }} as balances
    inner join agreeing_entities
        on balances.entity_id = agreeing_entities.entity_id
    union all
    select
        as_of_date,
        customer_id,
        currency_code,
        bucket,
        bucket_order,
        open_amount,
        open_company_amount,
        item_count
    from {{ ref('int_aged_balances') }}
    where basis = 'home' and not is_netted
    union all
    select
        as_of_date,
        customer_id,
        currency_code,
        bucket,
        bucket_order,
        open_amount,
        open_company_amount,
        item_count
    from {{ ref('int_netted_balances') }}
    where basis = 'home'
),

profile_balances as (
    select
        balances_by_home.as_of_date,
        profiles.profile_id,
        balances_by_home.currency_code,
        balances_by_home.bucket,
        balances_by_home.bucket_order,
        sum(balances_by_home.open_amount) as open_amount,
        sum(balances_by_home.open_company_amount) as open_company_amount,
        sum(balances_by_home.item_count) as item_count
    from balances_by_home
    inner join {{ ref('int_scope_profiles') }} as profiles
        on balances_by_home.customer_id = profiles.customer_id
    group by
        balances_by_home.as_of_date,
        profiles.profile_id,
        balances_by_home.currency_code,
        balances_by_home.bucket,
        balances_by_home.bucket_order
),

spanning_balances as (
    select
        profile_balances.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        profile_balances.currency_code,
        profile_balances.bucket,
        profile_balances.bucket_order,
        scopes.company_currency_code,
        sum(profile_balances.open_amount) as open_amount,
        sum(profile_balances.open_company_amount) as open_company_amount,
        sum(profile_balances.item_count) as item_count
    from profile_balances
    inner join {{ ref('int_profile_scopes') }} as scopes
        on
            profile_balances.profile_id = scopes.profile_id
            and scopes.scope_type <> 'entity'
    group by
        profile_balances.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        profile_balances.currency_code,
        profile_balances.bucket,
        profile_balances.bucket_order,
        scopes.company_currency_code
),

entity_balances as (
    select
        as_of_date,
        'entity' as scope_type,
        entity_id as scope_value,
        currency_code,
        bucket,
        bucket_order,
        company_currency_code,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount,
        sum(item_count) as item_count
    from {{ ref('mart_aged_balance') }}
    group by
        as_of_date, entity_id, currency_code, bucket, bucket_order, company_currency_code
),

home_buckets as (
    select
        bucket,
        bucket_order
    from {{ ref('int_aging_buckets') }}
    where bucket_limits = {{ home_policy('bucket_limits') }}
),

all_balances as (
    select
        as_of_date,
        scope_type,
        scope_value,
        currency_code,
        bucket,
        bucket_order,
        company_currency_code,
        open_amount,
        open_company_amount,
        item_count
    from spanning_balances
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        currency_code,
        bucket,
        bucket_order,
        company_currency_code,
        open_amount,
        open_company_amount,
        item_count
    from entity_balances
    union all
    select
        document_balances.as_of_date,
        document_balances.scope_type,
        document_balances.scope_value,
        document_balances.currency_code,
        document_balances.bucket,
        home_buckets.bucket_order,
        document_balances.company_currency_code,
        document_balances.open_amount,
        document_balances.open_company_amount,
        document_balances.open_invoice_count as item_count
    from {{ ref('int_document_balances') }} as document_balances
    inner join home_buckets
        on document_balances.bucket = home_buckets.bucket
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        currency_code,
        bucket,
        cast(bucket_order as integer) as bucket_order,
        open_amount,
        company_currency_code,
        open_company_amount,
        cast(item_count as bigint) as item_count
    from all_balances
)

select * from final
