{% test never_null(model, columns) %}
-- Rows in which one of these columns is empty; whole ones, so that their keys can be told.
select *
from {{ model }}
where
    {% for column in columns -%}
    {{ 'or ' if not loop.first }}{{ column }} is null
    {% endfor %}
{% endtest %}
