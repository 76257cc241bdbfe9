{% macro is_carried(published) -%}
not exists (
    select 1
    from {{ ref('int_changed_customers') }} as changed_customers
    where changed_customers.customer_id = {{ published }}.customer_id
)
{%- endmacro %}
