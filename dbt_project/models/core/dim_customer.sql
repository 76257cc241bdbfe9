-- grain: one row per customer
with final as (
    select
        customer_id,
        entity_id,
        source,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        parent_customer_id,
        credit_limit_amount
    from {{ ref('int_customers') }}
)

select * from final
