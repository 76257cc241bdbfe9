{% macro row_digest(values) -%}
hash_record_extended(row({{ values | join(', ') }}), 0)
{%- endmacro %}
