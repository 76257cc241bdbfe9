-- grain: one row: what these marts are
-- publication_id and published_at are set by the transaction that publishes
-- (warehouse/publication.py).
with final as (
    select
        cast(null as text) as publication_id,
        cast('{{ var("run_id") }}' as text) as run_id,
        {{ as_of_date() }} as as_of_date,
        {{ known_on() }} as known_on,
        cast(null as timestamp with time zone) as published_at
)

select * from final
