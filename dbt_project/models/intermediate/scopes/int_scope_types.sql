-- grain: one row per scope type above the customer, with the group of types it shares profiles with
-- Three types to a group: customers have few different combinations of so few, and each customer
-- is added up once per group instead of once per scope.
with scope_types as (
    select scope_type
    from {{ ref('int_scopes') }}
    where scope_type <> 'customer'
    group by scope_type
),

final as (
    select
        scope_type,
        cast(ceil(row_number() over (order by scope_type) / 3.0) as integer) as profile_group
    from scope_types
)

select * from final
