{% macro gather_statistics(relation) %}analyze {{ relation }}{% endmacro %}
