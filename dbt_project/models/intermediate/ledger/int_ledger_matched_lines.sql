-- grain: one row per ledger line that takes part in a matching group
-- A line belongs to the group of its own year and to those its brought-forward twin joined;
-- groups that share a line are one group, named after the latest of them.
with recursive own_groups as (
    select
        lines.line_key,
        groups.closing_date,
        groups.lettering_group_id
    from {{ ref('int_ledger_receivable_lines') }} as lines
    inner join {{ ref('int_ledger_lettering_groups') }} as groups
        on
            lines.source = groups.source
            and lines.entity_id = groups.entity_id
            and lines.lettering_closing_date = groups.closing_date
            and lines.ledger_account = groups.ledger_account
            and lines.source_customer_id = groups.source_customer_id
            and lines.lettering = groups.lettering
    where lines.matching = 'lettered' and not lines.is_carried_forward
),

memberships as (
    select
        line_key,
        closing_date,
        lettering_group_id
    from own_groups
    union all
    select
        links.line_key,
        links.closing_date,
        links.lettering_group_id
    from {{ ref('int_ledger_carried_links') }} as links
    inner join {{ ref('int_ledger_receivable_lines') }} as lines
        on links.line_key = lines.line_key
    where lines.matching = 'lettered'
),

ranked_memberships as (
    select
        line_key,
        lettering_group_id,
        first_value(lettering_group_id) over (
            partition by line_key
            order by closing_date desc, lettering_group_id
        ) as latest_group_id
    from memberships
),

merges as (
    select distinct
        lettering_group_id,
        latest_group_id
    from ranked_memberships
    where lettering_group_id <> latest_group_id
),

-- A merge always leads to a later year, so the walk ends; its length is the number of years.
walks as (
    select
        lettering_group_id,
        latest_group_id,
        1 as steps
    from merges
    union all
    select
        walks.lettering_group_id,
        merges.latest_group_id,
        walks.steps + 1
    from walks
    inner join merges
        on walks.latest_group_id = merges.lettering_group_id
),

roots as (
    select
        lettering_group_id,
        latest_group_id as root_group_id,
        row_number() over (
            partition by lettering_group_id
            order by steps desc, latest_group_id
        ) as walk_rank
    from walks
),

lettered_lines as (
    select distinct
        ranked_memberships.line_key,
        coalesce(roots.root_group_id, ranked_memberships.latest_group_id) as matching_group_id
    from ranked_memberships
    left join roots
        on
            ranked_memberships.latest_group_id = roots.lettering_group_id
            and roots.walk_rank = 1
),

fifo_lines as (
    select
        line_key,
        {{ surrogate_key([
            "'fifo'", 'source', 'entity_id', 'ledger_account', 'source_customer_id'
        ]) }}
            as matching_group_id
    from {{ ref('int_ledger_receivable_lines') }}
    where matching = 'fifo' and not is_carried_forward
),

final as (
    select
        line_key,
        matching_group_id
    from lettered_lines
    union all
    select
        line_key,
        matching_group_id
    from fifo_lines
)

select * from final
