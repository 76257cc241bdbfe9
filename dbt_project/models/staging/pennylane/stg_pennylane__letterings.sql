-- grain: one row per pair of a credit line and a debit line that it settles
-- A credit note settles the invoice that it names first; of all else that is lettered together the
-- oldest meet first: debits and credits are laid end to end on two rulers, and every stretch
-- between two marks belongs to one of each. In euros, as the ledger is. DECISIONS.md.
-- A table: two models read it.
{{ config(materialized='table', post_hook="{{ gather_statistics(this) }}") }}

with lettered_lines as (
    select
        entity_id,
        ledger_line_id,
        lettering_id,
        is_debit,
        source_document_id,
        source_credited_document_id,
        entry_date,
        due_date,
        amount,
        lettering_known_at
    from {{ ref('stg_pennylane__receivable_lines') }}
    where lettering_id is not null
),

-- One row per line of a credit note and line of the invoice that it names.
credited as (
    select
        credits.entity_id,
        credits.lettering_id,
        credits.ledger_line_id as credit_line_id,
        debits.ledger_line_id as debit_line_id,
        credits.amount as offered_amount,
        debits.amount as owed_amount,
        coalesce(
            sum(credits.amount) over (
                partition by debits.entity_id, debits.ledger_line_id
                order by credits.entry_date, credits.ledger_line_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_credit_amount,
        coalesce(
            sum(debits.amount) over (
                partition by credits.entity_id, credits.ledger_line_id
                order by debits.due_date, debits.ledger_line_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_debit_amount
    from lettered_lines as credits
    inner join lettered_lines as debits
        on
            credits.entity_id = debits.entity_id
            and credits.lettering_id = debits.lettering_id
            and credits.source_credited_document_id = debits.source_document_id
    where not credits.is_debit and debits.is_debit
),

named_pairs as (
    select
        entity_id,
        lettering_id,
        credit_line_id,
        debit_line_id,
        least(
            greatest(offered_amount - earlier_debit_amount, 0),
            greatest(owed_amount - earlier_credit_amount, 0)
        ) as amount
    from credited
),

used as (
    select
        entity_id,
        credit_line_id as ledger_line_id,
        sum(amount) as amount
    from named_pairs
    group by entity_id, credit_line_id
    union all
    select
        entity_id,
        debit_line_id as ledger_line_id,
        sum(amount) as amount
    from named_pairs
    group by entity_id, debit_line_id
),

rests as (
    select
        lines.entity_id,
        lines.lettering_id,
        lines.ledger_line_id,
        lines.is_debit,
        lines.entry_date,
        case when lines.is_debit then lines.due_date else lines.entry_date end as first_date,
        lines.amount - coalesce(used.amount, 0) as amount
    from lettered_lines as lines
    left join used
        on
            lines.entity_id = used.entity_id
            and lines.ledger_line_id = used.ledger_line_id
    where lines.amount > coalesce(used.amount, 0)
),

laid_lines as (
    select
        rests.*,
        row_number() over (
            partition by entity_id, lettering_id, is_debit
            order by first_date, entry_date, ledger_line_id
        ) as side_no,
        sum(amount) over (
            partition by entity_id, lettering_id, is_debit
            order by first_date, entry_date, ledger_line_id
        ) as mark
    from rests
),

marks as (
    select
        entity_id,
        lettering_id,
        mark,
        sum(case when is_debit then 1 else 0 end) as debits_ended,
        sum(case when is_debit then 0 else 1 end) as credits_ended
    from laid_lines
    group by entity_id, lettering_id, mark
),

stretches as (
    select
        entity_id,
        lettering_id,
        mark - lag(mark, 1, 0) over (
            partition by entity_id, lettering_id
            order by mark
        ) as amount,
        sum(debits_ended) over (
            partition by entity_id, lettering_id
            order by mark
        ) - debits_ended + 1 as debit_no,
        sum(credits_ended) over (
            partition by entity_id, lettering_id
            order by mark
        ) - credits_ended + 1 as credit_no
    from marks
),

-- With one line on a side that has room for all of the other, there is no choice.
sides as (
    select
        entity_id,
        lettering_id,
        count(case when is_debit then 1 end) as debit_count,
        count(case when not is_debit then 1 end) as credit_count,
        sum(case when is_debit then amount else 0 end) as debit_amount,
        sum(case when is_debit then 0 else amount end) as credit_amount
    from rests
    group by entity_id, lettering_id
),

-- Beyond the shorter ruler there is no partner: the inner joins leave that rest open.
pairs as (
    select
        entity_id,
        credit_line_id,
        debit_line_id,
        amount,
        false as is_estimated
    from named_pairs
    where amount > 0
    union all
    select
        stretches.entity_id,
        credits.ledger_line_id as credit_line_id,
        debits.ledger_line_id as debit_line_id,
        stretches.amount,
        not (
            sides.debit_count = 1 and sides.credit_count = 1
            or sides.debit_count = 1 and sides.credit_amount <= sides.debit_amount
            or sides.credit_count = 1 and sides.debit_amount <= sides.credit_amount
        ) as is_estimated
    from stretches
    inner join sides
        on
            stretches.entity_id = sides.entity_id
            and stretches.lettering_id = sides.lettering_id
    inner join laid_lines as debits
        on
            stretches.entity_id = debits.entity_id
            and stretches.lettering_id = debits.lettering_id
            and stretches.debit_no = debits.side_no
            and debits.is_debit
    inner join laid_lines as credits
        on
            stretches.entity_id = credits.entity_id
            and stretches.lettering_id = credits.lettering_id
            and stretches.credit_no = credits.side_no
            and not credits.is_debit
),

summed as (
    select
        entity_id,
        credit_line_id,
        debit_line_id,
        sum(amount) as amount,
        bool_or(is_estimated) as is_estimated
    from pairs
    group by entity_id, credit_line_id, debit_line_id
),

final as (
    select
        summed.entity_id,
        summed.credit_line_id,
        summed.debit_line_id,
        summed.amount,
        summed.is_estimated,
        greatest(credits.lettering_known_at, debits.lettering_known_at) as known_at
    from summed
    inner join lettered_lines as credits
        on
            summed.entity_id = credits.entity_id
            and summed.credit_line_id = credits.ledger_line_id
    inner join lettered_lines as debits
        on
            summed.entity_id = debits.entity_id
            and summed.debit_line_id = debits.ledger_line_id
)

select * from final
