{% macro age_bucket(days, bucket_starts, bucket_codes) -%}
({{ bucket_codes }})[1 + width_bucket({{ days }}, {{ bucket_starts }})]
{%- endmacro %}
