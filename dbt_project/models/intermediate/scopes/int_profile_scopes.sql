-- grain: one row per profile and scope that its customers belong to
with representatives as (
    select
        profile_id,
        profile_group,
        min(customer_id) as customer_id
    from {{ ref('int_scope_profiles') }}
    group by profile_id, profile_group
),

final as (
    select
        representatives.profile_id,
        scopes.scope_type,
        scopes.scope_value,
        scopes.company_currency_code
    from representatives
    inner join {{ ref('int_scopes') }} as scopes
        on representatives.customer_id = scopes.customer_id
    inner join {{ ref('int_scope_types') }} as scope_types
        on
            scopes.scope_type = scope_types.scope_type
            and representatives.profile_group = scope_types.profile_group
)

select * from final
