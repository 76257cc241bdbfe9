{# The client lets no other form pass than `/Date(1539993600000+0000)/`, with or without a zone. #}
{% macro xero_date(column, key) -%}
{% set milliseconds -%}
split_part(translate({{ json_text(column, key) }}, '/Date()', ''), '+', 1)
{%- endset -%}
{{ add_days(
    "cast('1970-01-01' as date)",
    "cast(floor(cast(" ~ milliseconds ~ " as numeric) / 86400000) as integer)",
) }}
{%- endmacro %}
