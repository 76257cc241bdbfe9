{# dbt's own build each relation beside the old one and rename both, statement by statement: with
   views and small tables that takes longer than making them. #}

{% materialization view, adapter='postgres' -%}
{%- set target = this.incorporate(type='view') -%}
{%- call statement('main') -%}{{ get_replace_view_sql(target, sql) }}{%- endcall -%}
{%- do adapter.commit() -%}
{{ return({'relations': [target]}) }}
{%- endmaterialization %}

{% materialization table, adapter='postgres' -%}
{%- set existing = load_cached_relation(this) -%}
{%- set target = this.incorporate(type='table') -%}
{#- Who looks at the old table meanwhile is not kept waiting for the new one. -#}
{%- set made = make_intermediate_relation(target) if existing else target -%}
{%- call statement('main') -%}{{ get_create_table_as_sql(False, made, sql) }}{%- endcall -%}
{%- if existing %}
{%- call statement('take_place') -%}
drop {{ existing.type }} {{ existing }} cascade;
alter table {{ made }} rename to {{ target.identifier }};
{%- endcall -%}
{%- endif -%}
{{ run_hooks(post_hooks) }}
{%- do adapter.commit() -%}
{{ return({'relations': [target]}) }}
{%- endmaterialization %}
