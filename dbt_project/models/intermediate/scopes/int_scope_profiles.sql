-- grain: one row per customer: the customer that stands for all those in exactly the same scopes
-- Thousands of customers share their entity, sector, region …: amounts are added up by profile
-- before they meet the scopes, of which each customer has many.
with signatures as (
    select
        customer_id,
        string_agg(
            {{ surrogate_key(['scope_type', 'scope_value']) }}, ' ' order by scope_type
        ) as signature
    from {{ ref('int_scopes') }}
    where scope_type <> 'customer'
    group by customer_id
),

final as (
    select
        customer_id,
        min(customer_id) over (partition by signature) as profile_id
    from signatures
)

select * from final
