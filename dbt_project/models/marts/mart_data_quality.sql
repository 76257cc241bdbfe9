-- grain: one row per check and run that the gate judged
-- The runs that knew less than this one. Its own checks look at this candidate, so what they find
-- is added when it is published (warehouse/publication.py). Of the last 400 days.
with final as (
    select
        run_id,
        as_of_date,
        known_on,
        table_name,
        check_name,
        severity,
        state,
        observed_value,
        observed_number,
        why,
        gate_decision,
        expected_at_least,
        expected_at_most
    from {{ source('ops', 'judged_check') }}
    where
        known_on < {{ known_on() }}
        and known_on > {{ known_on() }} - interval '400 days'
)

select * from final
