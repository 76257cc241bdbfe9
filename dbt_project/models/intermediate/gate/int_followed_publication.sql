-- grain: one row: the last publication, where this build goes on from it
-- None before the first publication, and none for a build that goes back in time: what is older
-- than what is published differs from it for good reasons.
with final as (
    select
        publication_id,
        as_of_date,
        known_on,
        {{ days_between(as_of_date(), 'as_of_date') }} as elapsed_days
    from {{ source('previous', 'publication_info') }}
    where as_of_date <= {{ as_of_date() }} and known_on <= {{ known_on() }}
)

select * from final
