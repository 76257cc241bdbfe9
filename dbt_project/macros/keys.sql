{% macro surrogate_key(parts) -%}
concat_ws(
    ':'
    {%- for part in parts -%}
    , replace(replace(cast({{ part }} as text), '\', '\\'), ':', '\:')
    {%- endfor -%}
)
{%- endmacro %}
