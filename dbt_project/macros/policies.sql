{% macro home_policy(name) -%}
(select policy_value from {{ ref('int_home_policies') }} where policy = '{{ name }}')
{%- endmacro %}
