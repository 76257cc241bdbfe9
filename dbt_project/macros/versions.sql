{% macro is_latest_known(versions, raw_table) -%}
{{ versions }}.extracted_at <= {{ known_on() }}
and not exists (
    select 1
    from {{ raw_table }} as newer
    where
        newer.replaced_version is not null
        and newer.replaced_version = {{ versions }}.version_no
        and newer.extracted_at <= {{ known_on() }}
)
{%- endmacro %}
