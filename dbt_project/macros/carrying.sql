{% macro is_worked_out_anew(published) -%}
exists (
    select 1
    from {{ ref('int_changed_customers') }} as changed_customers
    where changed_customers.customer_id = {{ published }}.customer_id
)
{%- endmacro %}

{% macro is_carried(published) %}not {{ is_worked_out_anew(published) }}{% endmacro %}

{% macro something_is_carried() -%}
exists (select 1 from {{ source('previous', 'carried_customer_digests') }})
{%- endmacro %}
