{% macro company_amount(amount, rate, minor_units) -%}
round({{ amount }} * {{ rate }}, {{ minor_units }})
{%- endmacro %}
