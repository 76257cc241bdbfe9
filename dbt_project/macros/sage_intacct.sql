{% macro intacct_text(column, key) %}nullif({{ column }} ->> '{{ key }}', ''){% endmacro %}

{% macro intacct_number(column, key) -%}
cast({{ intacct_text(column, key) }} as numeric)
{%- endmacro %}

{% macro intacct_day(column, key) -%}
cast(
    substr({{ intacct_text(column, key) }}, 7, 4)
    || '-' || substr({{ intacct_text(column, key) }}, 1, 2)
    || '-' || substr({{ intacct_text(column, key) }}, 4, 2)
    as date
)
{%- endmacro %}
