{% macro odoo_text(column, key) -%}
(nullif({{ column }} -> '{{ key }}', cast('false' as jsonb)) #>> cast('{}' as text[]))
{%- endmacro %}

{# Not `->> 0`, which takes a lone value for a list of one: an empty reference is `false`. #}
{% macro odoo_id(column, key) -%}
({{ column }} #>> cast('{{ "{" ~ key ~ ",0}" }}' as text[]))
{%- endmacro %}

{% macro odoo_name(column, key) -%}
({{ column }} #>> cast('{{ "{" ~ key ~ ",1}" }}' as text[]))
{%- endmacro %}
