{% macro siren_of_registry(registry) -%}
case
    when
        length(replace({{ registry }}, ' ', '')) in (9, 14)
        and translate({{ registry }}, ' 0123456789', '') = ''
        then substr(replace({{ registry }}, ' ', ''), 1, 9)
end
{%- endmacro %}

{% macro siren_of_vat(vat_number) -%}
case
    when
        {{ vat_number }} like 'FR%'
        and length({{ vat_number }}) = 13
        and translate(substr({{ vat_number }}, 5), '0123456789', '') = ''
        then substr({{ vat_number }}, 5)
end
{%- endmacro %}
