{% macro postgres__create_table_as(temporary, relation, sql) -%}
{%- set kind = 'temporary ' if temporary else 'unlogged ' if config.get('unlogged') else '' -%}
{%- if config.get('contract').enforced -%}
{{ get_assert_columns_equivalent(sql) }}
{%- set sql = get_select_subquery(sql) -%}
{%- endif %}
create {{ kind }}table {{ relation }} as (
    {{ sql }}
);
{%- endmacro %}
