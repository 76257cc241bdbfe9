{% macro json_text(column, key) %}({{ column }} ->> '{{ key }}'){% endmacro %}

{% macro json_object(column) %}cast({{ column }} as jsonb){% endmacro %}

{% macro json_entries(column) %}jsonb_each_text({{ column }}){% endmacro %}

{% macro json_part(column, key) %}({{ column }} -> '{{ key }}'){% endmacro %}

{% macro json_elements(column) %}
jsonb_array_elements(case when jsonb_typeof({{ column }}) = 'array' then {{ column }} end)
{% endmacro %}
