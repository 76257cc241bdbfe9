{% macro dolibarr_day(seconds) -%}
{{ add_days(
    "cast('1970-01-01' as date)",
    "cast(floor((cast(nullif(" ~ seconds ~ ", '') as numeric) + 46800) / 86400) as integer)"
) }}
{%- endmacro %}

{# PostgreSQL's own word: what fills the eight decimals of each amount tells nothing. #}
{% macro dolibarr_amount(column, key) -%}
trim_scale(cast(nullif({{ json_text(column, key) }}, '') as numeric))
{%- endmacro %}
