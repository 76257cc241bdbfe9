-- grain: one row per pair of a credit line and a debit line that it settles
-- Oldest first inside a group: debits and credits are laid end to end on two rulers, and every
-- stretch between two marks belongs to exactly one debit and one credit. No join on ranges.
with matched_lines as (
    select
        matched.matching_group_id,
        lines.line_key,
        lines.entity_id,
        lines.entry_date,
        lines.signed_amount > 0 as is_debit,
        lines.matching,
        lines.lettering_known_at,
        row_number() over (
            partition by matched.matching_group_id, lines.signed_amount > 0
            order by lines.entry_date, lines.closing_date, lines.part, lines.line_no
        ) as side_no,
        sum(abs(lines.signed_amount)) over (
            partition by matched.matching_group_id, lines.signed_amount > 0
            order by lines.entry_date, lines.closing_date, lines.part, lines.line_no
        ) as mark
    from {{ ref('int_ledger_matched_lines') }} as matched
    inner join {{ ref('int_ledger_receivable_lines') }} as lines
        on matched.line_key = lines.line_key
),

marks as (
    select
        matching_group_id,
        mark,
        sum(case when is_debit then 1 else 0 end) as debits_ended,
        sum(case when is_debit then 0 else 1 end) as credits_ended
    from matched_lines
    group by matching_group_id, mark
),

-- Which of several credits settled which of several debits, or which of several was left over, a
-- lettering does not say.
ambiguous_groups as (
    select matching_group_id
    from matched_lines
    group by matching_group_id
    having
        least(count(case when is_debit then 1 end), count(case when not is_debit then 1 end)) > 1
        or (
            count(case when is_debit then 1 end) > 1
            and max(case when is_debit then mark end) > max(case when not is_debit then mark end)
        )
        or (
            count(case when not is_debit then 1 end) > 1
            and max(case when not is_debit then mark end) > max(case when is_debit then mark end)
        )
),

stretches as (
    select
        matching_group_id,
        mark - lag(mark, 1, 0) over (
            partition by matching_group_id
            order by mark
        ) as amount,
        sum(debits_ended) over (
            partition by matching_group_id
            order by mark
        ) - debits_ended + 1 as debit_no,
        sum(credits_ended) over (
            partition by matching_group_id
            order by mark
        ) - credits_ended + 1 as credit_no
    from marks
),

-- Beyond the shorter ruler there is no partner: the inner joins leave that rest open.
final as (
    select
        {{ surrogate_key(['credits.line_key', 'debits.line_key']) }} as allocation_id,
        debits.entity_id,
        credits.line_key as credit_line_key,
        debits.line_key as debit_line_key,
        stretches.amount,
        greatest(credits.entry_date, debits.entry_date) as effective_date,
        -- A ledger without lettering does not say what settles what.
        debits.matching = 'fifo' or ambiguous_groups.matching_group_id is not null
            as is_estimated,
        greatest(credits.lettering_known_at, debits.lettering_known_at) as known_at
    from stretches
    inner join matched_lines as debits
        on
            stretches.matching_group_id = debits.matching_group_id
            and stretches.debit_no = debits.side_no
            and debits.is_debit
    inner join matched_lines as credits
        on
            stretches.matching_group_id = credits.matching_group_id
            and stretches.credit_no = credits.side_no
            and not credits.is_debit
    left join ambiguous_groups
        on stretches.matching_group_id = ambiguous_groups.matching_group_id
)

select * from final
