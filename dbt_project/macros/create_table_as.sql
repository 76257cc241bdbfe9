{% macro postgres__create_table_as(temporary, relation, sql) -%}
{%- if config.get('contract').enforced -%}
{{ get_assert_columns_equivalent(sql) }}
{%- set sql = get_select_subquery(sql) -%}
{%- endif %}
create {{ 'temporary ' if temporary }}table {{ relation }} as (
    {{ sql }}
);
{%- endmacro %}
