-- Rule: of one item, an interval is not empty, ends before the next begins, and holds an amount.
-- Source: contracts, section 4: a past date reads at most one position of an item, so what
-- overlaps would be owed twice.
with positions as (
    select
        open_item_id,
        valid_from,
        valid_to,
        open_amount,
        lead(valid_from) over (
            partition by open_item_id
            order by valid_from
        ) as next_valid_from
    from {{ ref('int_open_item_positions') }}
)

select *
from positions
where
    valid_to <= valid_from
    or (valid_to is null and next_valid_from is not null)
    or valid_to > next_valid_from
    or open_amount = 0
