{% macro policy(name) -%}
(select policy_value from {{ ref('int_policies') }} where policy = '{{ name }}')
{%- endmacro %}
