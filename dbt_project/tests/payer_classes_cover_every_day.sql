-- Rule: the classes of payers touch each other and have no outer limits, so that every average has
-- exactly one class. Source: as the ageing buckets: an upper limit belongs to its own class.
with classes as (
    select
        payer_class,
        above_days_late,
        to_days_late,
        lag(to_days_late) over (order by class_order) as to_days_late_before,
        row_number() over (order by class_order) as place,
        count(*) over () as class_count
    from {{ ref('payer_classes') }}
)

select *
from classes
where
    above_days_late is distinct from to_days_late_before
    or (to_days_late is null) <> (place = class_count)
    or to_days_late <= above_days_late
