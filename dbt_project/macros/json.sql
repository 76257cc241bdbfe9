{% macro json_text(column, key) %}({{ column }} ->> '{{ key }}'){% endmacro %}

{% macro json_object(column, key) %}cast({{ column }} ->> '{{ key }}' as jsonb){% endmacro %}

{% macro json_entries(column) %}jsonb_each_text({{ column }}){% endmacro %}
