{% test unique_key(model, columns) %}
-- Rows whose key is not theirs alone, or has an empty part. They are looked for only where whole
-- keys have fewer digests than there are rows: sorting numbers is quicker than grouping texts.
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
where
    (
        select
            count(*) > count(distinct case
                when {{ columns | join(' is not null and ') }} is not null
                    then {{ row_digest(columns) }}
            end)
        from {{ model }}
    )
group by {{ columns | join(', ') }}
having
    count(*) > 1
    {%- for column in columns %}
    or {{ column }} is null
    {%- endfor %}
{% endtest %}
