-- grain: one row per ledger line on a receivable account that is owed or paid
-- What a line is follows from the other accounts of its entry, never from the journal's code, as in
-- a FEC. The lines of one document in an entry are its instalments. A brought-forward line repeats
-- one of the year before, unless the books begin with it (DECISIONS.md).
-- A table, unlike other staging models: all others read it, and it costs most.
{{ config(materialized='table', post_hook="{{ gather_statistics(this) }}") }}

with ledger_lines as (
    select
        entity_id,
        ledger_line_no,
        entry_key,
        journal_code,
        entry_date,
        document_number,
        ledger_account,
        coalesce(third_party, ledger_account) as source_customer_id,
        due_date,
        signed_amount,
        lettering,
        is_opening,
        known_at
    from {{ ref('stg_sage_100__ledger_lines') }}
),

accounts as (
    select
        used.ledger_account,
        account_roles.role,
        row_number() over (
            partition by used.ledger_account
            order by length(cast(account_roles.account_prefix as text)) desc
        ) as prefix_rank
    from (select distinct ledger_account from ledger_lines) as used
    inner join {{ ref('account_roles') }} as account_roles
        on used.ledger_account like cast(account_roles.account_prefix as text) || '%'
),

classified as (
    select
        ledger_lines.*,
        accounts.role,
        coalesce(accounts.role in ('receivable', 'doubtful_receivable'), false)
            as is_receivable
    from ledger_lines
    left join accounts
        on
            ledger_lines.ledger_account = accounts.ledger_account
            and accounts.prefix_rank = 1
),

entries as (
    select
        entity_id,
        entry_key,
        max(case when role = 'revenue' then 1 else 0 end) = 1 as has_revenue,
        max(case when role = 'treasury' then 1 else 0 end) = 1 as has_treasury,
        max(case when role = 'bad_debt' then 1 else 0 end) = 1 as has_bad_debt,
        -- Revenue stands on the credit side: positive here means sold.
        sum(case when role = 'revenue' then -signed_amount else 0 end) as revenue_amount,
        sum(case when is_receivable then signed_amount else 0 end) as receivable_amount
    from classified
    group by entity_id, entry_key
),

receivable_lines as (
    select
        classified.*,
        {{ surrogate_key([
            'entity_id', 'ledger_account', 'source_customer_id', "coalesce(document_number, '')",
            "coalesce(cast(due_date as text), '')", 'signed_amount'
        ]) }}
            as twin_key
    from classified
    where is_receivable and signed_amount <> 0
),

first_dates as (
    select
        entity_id,
        min(case when not is_opening then entry_date end) as first_entry_date,
        min(case when is_opening then entry_date end) as first_opening_date
    from receivable_lines
    group by entity_id
),

carried_forward as (
    select
        receivable_lines.*,
        receivable_lines.is_opening
        and not (
            receivable_lines.entry_date = first_dates.first_opening_date
            and coalesce(first_dates.first_opening_date <= first_dates.first_entry_date, true)
        ) as is_carried_forward
    from receivable_lines
    inner join first_dates
        on receivable_lines.entity_id = first_dates.entity_id
),

-- Lines that agree in all that names them are told apart by their order.
numbered as (
    select
        carried_forward.*,
        row_number() over (
            partition by
                twin_key, is_carried_forward, case when is_carried_forward then entry_date end
            order by entry_date, ledger_line_no
        ) as twin_no
    from carried_forward
),

-- What was matched after the closing bears the code of the line that was brought forward.
carried_letterings as (
    select
        twin_key,
        twin_no,
        lettering,
        row_number() over (
            partition by twin_key, twin_no
            order by entry_date desc, ledger_line_no
        ) as recency
    from numbered
    where is_carried_forward and lettering is not null
),

items as (
    select
        numbered.*,
        entries.has_revenue,
        entries.has_treasury,
        entries.has_bad_debt,
        coalesce(numbered.lettering, carried_letterings.lettering) as matching_code,
        case
            when numbered.is_opening or not entries.has_revenue then null
            when entries.receivable_amount = 0 then null
            -- An entry may hold several documents: each has its share of the revenue.
            else round(
                entries.revenue_amount * numbered.signed_amount / entries.receivable_amount, 6
            )
        end as amount_excl_tax,
        -- Of a line without a number nothing says that it belongs to another one.
        coalesce(numbered.document_number, cast(numbered.ledger_line_no as text)) as item_name
    from numbered
    inner join entries
        on
            numbered.entity_id = entries.entity_id
            and numbered.entry_key = entries.entry_key
    left join carried_letterings
        on
            numbered.twin_key = carried_letterings.twin_key
            and numbered.twin_no = carried_letterings.twin_no
            and carried_letterings.recency = 1
    where not numbered.is_carried_forward
),

kinds as (
    select
        items.*,
        case
            when signed_amount > 0 and (is_opening or has_revenue or not has_treasury)
                then 'document'
            when signed_amount > 0 then 'payment'
            -- What an opening credit was is not known: not a receipt that behaviour may count.
            when is_opening then 'document'
            when has_treasury then 'payment'
            -- The tax recovered on a loss stands in the same entry: it makes no sale of it.
            when has_bad_debt and not has_revenue then 'write_off'
            else 'document'
        end as item_kind
    from items
),

final as (
    select
        entity_id,
        ledger_line_no,
        item_kind,
        case item_kind
            when 'document'
                then
                    cast(min(ledger_line_no) over (
                        partition by
                            entity_id, entry_key, ledger_account, source_customer_id, item_kind,
                            signed_amount > 0, item_name
                    ) as text)
            else cast(ledger_line_no as text)
        end as source_item_id,
        row_number() over (
            partition by
                entity_id, entry_key, ledger_account, source_customer_id, item_kind,
                signed_amount > 0, item_name
            order by due_date, ledger_line_no
        ) as line_position,
        signed_amount > 0 as is_debit,
        journal_code,
        entry_date,
        document_number,
        ledger_account,
        source_customer_id,
        due_date,
        abs(signed_amount) as amount,
        abs(amount_excl_tax) as amount_excl_tax,
        matching_code,
        known_at
    from kinds
)

select * from final
