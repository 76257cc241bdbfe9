-- grain: one row per customer and group of scope types: its profile, the scopes of that group
-- Thousands of customers share a profile: amounts are added up by profile before they meet the
-- scopes.
with signatures as (
    select
        scopes.customer_id,
        scope_types.profile_group,
        string_agg(
            {{ surrogate_key(['scopes.scope_type', 'scopes.scope_value']) }}, ' '
            order by scopes.scope_type
        ) as signature
    from {{ ref('int_scopes') }} as scopes
    inner join {{ ref('int_scope_types') }} as scope_types
        on scopes.scope_type = scope_types.scope_type
    group by scopes.customer_id, scope_types.profile_group
),

profiles as (
    select
        profile_group,
        signature,
        cast(row_number() over (order by profile_group, signature) as integer) as profile_id
    from signatures
    group by profile_group, signature
),

final as (
    select
        signatures.customer_id,
        signatures.profile_group,
        profiles.profile_id
    from signatures
    inner join profiles
        on
            signatures.profile_group = profiles.profile_group
            and signatures.signature = profiles.signature
)

select * from final
