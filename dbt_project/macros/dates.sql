{% macro as_of_date() %}cast('{{ var("as_of_date") }}' as date){% endmacro %}

{% macro known_on() %}cast('{{ var("known_on") }}' as timestamp with time zone){% endmacro %}

{% macro month_start(date_expression) -%}
cast(date_trunc('month', cast({{ date_expression }} as timestamp)) as date)
{%- endmacro %}

{% macro month_end(date_expression) -%}
cast(
    date_trunc('month', cast({{ date_expression }} as timestamp))
    + interval '1 month' - interval '1 day' as date
)
{%- endmacro %}

{% macro add_months(date_expression, months) -%}
cast({{ date_expression }} + ({{ months }}) * interval '1 month' as date)
{%- endmacro %}

{% macro each_month(first_month, last_month) -%}
cast(generate_series(
    cast({{ first_month }} as timestamp), cast({{ last_month }} as timestamp), interval '1 month'
) as date)
{%- endmacro %}

{% macro add_days(date_expression, days) %}({{ date_expression }} + {{ days }}){% endmacro %}

{% macro days_between(later, earlier) %}({{ later }} - {{ earlier }}){% endmacro %}

{% macro day_in_zone(moment, time_zone) -%}
cast(({{ moment }}) at time zone {{ time_zone }} as date)
{%- endmacro %}
