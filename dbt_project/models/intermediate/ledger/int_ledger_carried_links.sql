-- grain: one row per line of an earlier year and lettering group of a later year it belongs to
-- A brought-forward line is not a new debt: it stands for lines of the years before. When it is
-- lettered with this year's payments, the lines it stands for join that group.
with carried_lines as (
    select
        lines.line_key,
        lines.source,
        lines.entity_id,
        lines.closing_date,
        lines.ledger_account,
        lines.source_customer_id,
        lines.signed_amount,
        lines.piece_ref,
        groups.lettering_group_id,
        row_number() over (
            partition by
                lines.source, lines.entity_id, lines.closing_date,
                lines.ledger_account, lines.source_customer_id, lines.signed_amount, lines.piece_ref
            order by lines.document_date, lines.part, lines.line_no
        ) as twin_no
    from {{ ref('int_ledger_receivable_lines') }} as lines
    inner join {{ ref('int_ledger_lettering_groups') }} as groups
        on
            lines.source = groups.source
            and lines.entity_id = groups.entity_id
            and lines.lettering_closing_date = groups.closing_date
            and lines.ledger_account = groups.ledger_account
            and lines.source_customer_id = groups.source_customer_id
            and lines.lettering = groups.lettering
    where lines.is_carried_forward
),

-- Lines that may still be open when their year closes: not lettered, or in a group with a rest.
unsettled_lines as (
    select
        lines.line_key,
        lines.source,
        lines.entity_id,
        lines.closing_date,
        lines.ledger_account,
        lines.source_customer_id,
        lines.signed_amount,
        lines.piece_ref,
        lines.document_date,
        lines.part,
        lines.line_no
    from {{ ref('int_ledger_receivable_lines') }} as lines
    left join {{ ref('int_ledger_lettering_groups') }} as groups
        on
            lines.source = groups.source
            and lines.entity_id = groups.entity_id
            and lines.lettering_closing_date = groups.closing_date
            and lines.ledger_account = groups.ledger_account
            and lines.source_customer_id = groups.source_customer_id
            and lines.lettering = groups.lettering
    where
        not lines.is_carried_forward
        and not coalesce(groups.is_balanced, false)
),

-- One line of an earlier year may be brought forward in several later years.
candidates as (
    select
        unsettled_lines.line_key,
        later_years.closing_date,
        unsettled_lines.source,
        unsettled_lines.entity_id,
        unsettled_lines.ledger_account,
        unsettled_lines.source_customer_id,
        unsettled_lines.signed_amount,
        unsettled_lines.piece_ref,
        row_number() over (
            partition by
                unsettled_lines.source, unsettled_lines.entity_id, later_years.closing_date,
                unsettled_lines.ledger_account, unsettled_lines.source_customer_id,
                unsettled_lines.signed_amount, unsettled_lines.piece_ref
            order by
                unsettled_lines.document_date, unsettled_lines.closing_date,
                unsettled_lines.part, unsettled_lines.line_no
        ) as twin_no
    from unsettled_lines
    inner join (
        select distinct
            source,
            entity_id,
            closing_date,
            ledger_account,
            source_customer_id
        from carried_lines
    ) as later_years
        on
            unsettled_lines.source = later_years.source
            and unsettled_lines.entity_id = later_years.entity_id
            and unsettled_lines.ledger_account = later_years.ledger_account
            and unsettled_lines.source_customer_id = later_years.source_customer_id
            and unsettled_lines.closing_date < later_years.closing_date
),

detailed_links as (
    select
        candidates.line_key,
        carried_lines.closing_date,
        carried_lines.lettering_group_id,
        carried_lines.line_key as carried_line_key
    from carried_lines
    inner join candidates
        on
            carried_lines.source = candidates.source
            and carried_lines.entity_id = candidates.entity_id
            and carried_lines.closing_date = candidates.closing_date
            and carried_lines.ledger_account = candidates.ledger_account
            and carried_lines.source_customer_id = candidates.source_customer_id
            and carried_lines.signed_amount = candidates.signed_amount
            and carried_lines.piece_ref = candidates.piece_ref
            and carried_lines.twin_no = candidates.twin_no
),

-- A collapsed opening ("RAN", one line per customer) stands for everything left of that customer.
collapsed_lines as (
    select
        carried_lines.source,
        carried_lines.entity_id,
        carried_lines.closing_date,
        carried_lines.ledger_account,
        carried_lines.source_customer_id,
        min(carried_lines.lettering_group_id) as lettering_group_id
    from carried_lines
    left join detailed_links
        on carried_lines.line_key = detailed_links.carried_line_key
    where detailed_links.carried_line_key is null
    group by
        carried_lines.source, carried_lines.entity_id, carried_lines.closing_date,
        carried_lines.ledger_account, carried_lines.source_customer_id
),

collapsed_links as (
    select
        candidates.line_key,
        collapsed_lines.closing_date,
        collapsed_lines.lettering_group_id
    from collapsed_lines
    inner join candidates
        on
            collapsed_lines.source = candidates.source
            and collapsed_lines.entity_id = candidates.entity_id
            and collapsed_lines.closing_date = candidates.closing_date
            and collapsed_lines.ledger_account = candidates.ledger_account
            and collapsed_lines.source_customer_id = candidates.source_customer_id
    left join detailed_links
        on
            candidates.line_key = detailed_links.line_key
            and candidates.closing_date = detailed_links.closing_date
    where detailed_links.line_key is null
),

final as (
    select
        line_key,
        closing_date,
        lettering_group_id
    from detailed_links
    union all
    select
        line_key,
        closing_date,
        lettering_group_id
    from collapsed_links
)

select * from final
