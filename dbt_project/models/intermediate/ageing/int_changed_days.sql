-- grain: one row per kind of fact and business day on which this build and the publication before
-- it do not rest on the same facts
-- What holds for every day counts as changed where the publication is not one to carry over from
-- (warehouse/previous.py).
with final as (
    select
        fact_type,
        business_date
    from {{ ref('day_digests') }} as digests
    full outer join {{ source('previous', 'day_digests') }} as previous_digests
        using (fact_type, business_date)
    where
        digests.digest is distinct from previous_digests.digest
        or digests.fact_count is distinct from previous_digests.fact_count
)

select * from final
