-- Rule: at the as-of date an item has open what its movements sum to, in fct_open_items and in
-- fct_open_item_positions alike; a settled item is in neither. Source: contracts, section 4: the
-- positions answer any date, so at the as-of date they must say what the open items say.
-- What one says less what another says must be zero for each item, so the sum of all items is too
-- when each has a weight of its own; a row names the entity and type, whose items can then be
-- compared one by one.
with parts as (
    select
        entity_id,
        item_type,
        open_item_id,
        amount as unpositioned_amount,
        company_amount as unpositioned_company_amount,
        0 as unshown_amount,
        0 as unshown_company_amount
    from {{ ref('fct_receivable_movements') }}
    union all
    select
        entity_id,
        item_type,
        open_item_id,
        -open_amount as unpositioned_amount,
        -open_company_amount as unpositioned_company_amount,
        open_amount as unshown_amount,
        open_company_amount as unshown_company_amount
    from {{ ref('fct_open_item_positions') }}
    where
        valid_from <= {{ as_of_date() }}
        and (valid_to is null or valid_to > {{ as_of_date() }})
    union all
    select
        entity_id,
        item_type,
        open_item_id,
        0 as unpositioned_amount,
        0 as unpositioned_company_amount,
        -open_amount as unshown_amount,
        -open_company_amount as unshown_company_amount
    from {{ ref('fct_open_items') }}
),

weighed as (
    select
        parts.*,
        {{ row_digest(['open_item_id']) }} as weight
    from parts
)

-- Most amounts are the same in both currencies, so only their difference is added up beside them.
select
    entity_id,
    item_type,
    sum(unpositioned_amount) as unpositioned_amount,
    sum(unpositioned_company_amount) as unpositioned_company_amount,
    sum(unshown_amount) as unshown_amount,
    sum(unshown_company_amount) as unshown_company_amount
from weighed
group by entity_id, item_type
having
    sum(unpositioned_amount * weight) <> 0
    or sum((unpositioned_company_amount - unpositioned_amount) * weight)
        filter (where unpositioned_company_amount <> unpositioned_amount) <> 0
    or sum(unshown_amount * weight) filter (where unshown_amount <> 0) <> 0
    or sum(unshown_company_amount * weight) filter (where unshown_company_amount <> 0) <> 0
