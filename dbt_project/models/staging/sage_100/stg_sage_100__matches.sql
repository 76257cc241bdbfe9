-- grain: one row per pair of a credit line and a debit line that it settles
-- Everything of a customer that bears one code is one lettering, also where it does not add up. The
-- oldest meet first: debits and credits are laid end to end on two rulers, and every stretch
-- between two marks belongs to one of each. A code is one in the whole ledger, not in a year: an
-- invoice of December is matched with a receipt of January (DECISIONS.md).
-- A table, unlike other staging models: three models read it.
{{ config(materialized='table', post_hook="{{ gather_statistics(this) }}") }}

with lettered_lines as (
    select
        entity_id,
        {{ surrogate_key([
            'entity_id', 'ledger_account', 'source_customer_id', 'matching_code'
        ]) }}
            as matching_group,
        ledger_line_no,
        item_kind,
        source_item_id,
        line_position,
        is_debit,
        amount,
        known_at,
        row_number() over (
            partition by entity_id, ledger_account, source_customer_id, matching_code, is_debit
            order by
                case when is_debit then coalesce(due_date, entry_date) else entry_date end,
                entry_date,
                ledger_line_no
        ) as side_no,
        sum(amount) over (
            partition by entity_id, ledger_account, source_customer_id, matching_code, is_debit
            order by
                case when is_debit then coalesce(due_date, entry_date) else entry_date end,
                entry_date,
                ledger_line_no
        ) as mark
    from {{ ref('stg_sage_100__receivable_lines') }}
    where matching_code is not null
),

-- With one item on a side that has room for all of the other, there is no choice.
letterings as (
    select
        matching_group,
        count(distinct case when is_debit then source_item_id end) as debit_count,
        count(distinct case when not is_debit then source_item_id end) as credit_count,
        sum(case when is_debit then amount else 0 end) as debit_amount,
        sum(case when is_debit then 0 else amount end) as credit_amount
    from lettered_lines
    group by matching_group
),

marks as (
    select
        matching_group,
        mark,
        sum(case when is_debit then 1 else 0 end) as debits_ended,
        sum(case when is_debit then 0 else 1 end) as credits_ended
    from lettered_lines
    group by matching_group, mark
),

stretches as (
    select
        matching_group,
        mark - lag(mark, 1, 0) over (
            partition by matching_group
            order by mark
        ) as amount,
        sum(debits_ended) over (
            partition by matching_group
            order by mark
        ) - debits_ended + 1 as debit_no,
        sum(credits_ended) over (
            partition by matching_group
            order by mark
        ) - credits_ended + 1 as credit_no
    from marks
),

-- Beyond the shorter ruler there is no partner: the inner joins leave that rest open.
final as (
    select
        debits.entity_id,
        credits.ledger_line_no as credit_line_no,
        credits.item_kind as credit_kind,
        credits.source_item_id as credit_item_id,
        debits.ledger_line_no as debit_line_no,
        debits.item_kind as debit_kind,
        debits.source_item_id as debit_item_id,
        debits.line_position as debit_position,
        stretches.amount,
        not (
            letterings.debit_count = 1 and letterings.credit_count = 1
            or letterings.debit_count = 1
            and letterings.credit_amount <= letterings.debit_amount
            or letterings.credit_count = 1
            and letterings.debit_amount <= letterings.credit_amount
        ) as is_estimated,
        greatest(credits.known_at, debits.known_at) as known_at
    from stretches
    inner join letterings
        on stretches.matching_group = letterings.matching_group
    inner join lettered_lines as debits
        on
            stretches.matching_group = debits.matching_group
            and stretches.debit_no = debits.side_no
            and debits.is_debit
    inner join lettered_lines as credits
        on
            stretches.matching_group = credits.matching_group
            and stretches.credit_no = credits.side_no
            and not credits.is_debit
)

select * from final
