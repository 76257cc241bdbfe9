-- grain: one row per scope_type and scope_value, with what holds for the scope as a whole
-- An entity and its customers are counted back as the entity chose; what spans entities as the home
-- did.
with customer_scopes as (
    select
        scopes.scope_type,
        scopes.scope_value,
        scopes.company_currency_code,
        case
            when scopes.scope_type in ('customer', 'entity') then policies.zero_month
            else {{ home_policy('zero_month') }}
        end as zero_month,
        case
            when scopes.scope_type in ('customer', 'entity') then policies.countback_period
            else {{ home_policy('countback_period') }}
        end as countback_period
    from {{ ref('int_scopes') }} as scopes
    inner join {{ ref('int_customers') }} as customers
        on scopes.customer_id = customers.customer_id
    inner join {{ ref('int_entity_policies') }} as policies
        on customers.entity_id = policies.entity_id
),

final as (
    select
        scope_type,
        scope_value,
        min(company_currency_code) as company_currency_code,
        min(zero_month) as zero_month,
        min(countback_period) as countback_period
    from customer_scopes
    group by scope_type, scope_value
    union all
    select
        scope_type,
        scope_value,
        min(company_currency_code) as company_currency_code,
        {{ home_policy('zero_month') }} as zero_month,
        {{ home_policy('countback_period') }} as countback_period
    from {{ ref('int_document_scopes') }}
    group by scope_type, scope_value
)

select * from final
