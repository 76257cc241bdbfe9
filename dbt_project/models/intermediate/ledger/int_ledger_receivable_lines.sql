-- grain: one row per ledger line on a receivable account, brought-forward lines included
-- What the line is follows from the other accounts of its entry, never from the journal code. Its
-- key is what the books say of it, not its place in the file, so that a ledger that is delivered
-- again, longer or in another order, speaks of the same items.
with ledger_lines as (
    select
        source,
        entity_id,
        closing_date,
        part,
        line_no,
        journal_code,
        entry_number,
        ledger_account,
        account_label,
        auxiliary,
        auxiliary_label,
        piece_ref,
        piece_date,
        due_date,
        lettering,
        lettering_closing_date,
        known_at,
        lettering_known_at
    from {{ ref('int_gathered_ledger_lines') }}
),

receivable_lines as (
    select
        source,
        entity_id,
        closing_date,
        part,
        line_no,
        entry_key,
        journal_code,
        entry_date,
        ledger_account,
        account_role,
        signed_amount
    from {{ ref('int_ledger_lines') }}
    -- A line of zero changes no balance: it makes no open item.
    where is_receivable and signed_amount <> 0
),

described as (
    select
        receivable_lines.source,
        receivable_lines.entity_id,
        receivable_lines.closing_date,
        receivable_lines.part,
        receivable_lines.line_no,
        receivable_lines.entry_key,
        receivable_lines.journal_code,
        ledger_lines.entry_number,
        receivable_lines.entry_date,
        receivable_lines.ledger_account,
        receivable_lines.account_role = 'doubtful_receivable' as is_doubtful,
        receivable_lines.signed_amount,
        coalesce(ledger_lines.auxiliary, receivable_lines.ledger_account) as source_customer_id,
        coalesce(
            ledger_lines.auxiliary_label,
            ledger_lines.account_label,
            ledger_lines.auxiliary,
            receivable_lines.ledger_account
        ) as customer_name,
        coalesce(ledger_lines.piece_ref, ledger_lines.entry_number) as source_document_id,
        ledger_lines.piece_ref,
        coalesce(ledger_lines.piece_date, receivable_lines.entry_date) as document_date,
        ledger_lines.due_date,
        ledger_lines.lettering,
        ledger_lines.lettering_closing_date,
        ledger_lines.known_at,
        ledger_lines.lettering_known_at,
        opening_journals.journal_code is not null as is_opening,
        coalesce(ledgers.has_predecessor, false) as has_predecessor,
        ledgers.matching
    from receivable_lines
    inner join ledger_lines
        on
            receivable_lines.source = ledger_lines.source
            and receivable_lines.entity_id = ledger_lines.entity_id
            and receivable_lines.closing_date = ledger_lines.closing_date
            and receivable_lines.part = ledger_lines.part
            and receivable_lines.line_no = ledger_lines.line_no
    inner join {{ ref('int_ledger_years') }} as ledgers
        on
            receivable_lines.source = ledgers.source
            and receivable_lines.entity_id = ledgers.entity_id
            and receivable_lines.closing_date = ledgers.closing_date
    left join {{ ref('int_ledger_opening_journals') }} as opening_journals
        on
            receivable_lines.source = opening_journals.source
            and receivable_lines.entity_id = opening_journals.entity_id
            and receivable_lines.closing_date = opening_journals.closing_date
            and receivable_lines.journal_code = opening_journals.journal_code
),

-- Lines that agree in all that names them are told apart by their order.
numbered as (
    select
        described.*,
        row_number() over (
            partition by
                source, entity_id, journal_code, entry_number, entry_date, ledger_account,
                source_customer_id
            order by closing_date, part, line_no
        ) as twin_no
    from described
),

final as (
    select
        {{ surrogate_key([
            'described.source', 'described.entity_id',
            "coalesce(described.journal_code, '')",
            "coalesce(described.entry_number, '')", 'described.entry_date',
            'described.ledger_account', 'described.source_customer_id', 'described.twin_no'
        ]) }}
            as line_key,
        described.source,
        described.entity_id,
        described.closing_date,
        described.part,
        described.line_no,
        described.entry_key,
        described.entry_date,
        described.ledger_account,
        described.is_doubtful,
        described.signed_amount,
        described.source_customer_id,
        described.customer_name,
        described.source_document_id,
        described.piece_ref,
        described.document_date,
        described.due_date,
        described.lettering,
        described.lettering_closing_date,
        described.matching,
        described.known_at,
        described.lettering_known_at,
        described.is_opening,
        described.is_opening and described.has_predecessor as is_carried_forward,
        case
            when described.is_opening then 'opening'
            when described.signed_amount > 0 and entries.has_revenue then 'sale'
            when entries.has_treasury then 'cash'
            -- The tax recovered on a loss stands in the same entry: it makes no sale of it.
            when
                described.signed_amount < 0 and entries.has_bad_debt and not entries.has_revenue
                then 'write_off'
            when entries.has_revenue or entries.has_output_tax then 'sale'
            else 'transfer'
        end as origin,
        case
            -- What an opening credit was is not known: not a receipt that behaviour may count.
            when described.is_opening and described.signed_amount < 0 then 'credit_note'
            when described.signed_amount > 0 and (
                described.is_opening or entries.has_revenue or not entries.has_treasury
            ) then 'invoice'
            when described.signed_amount > 0 then 'refund'
            when entries.has_treasury then 'payment'
            else 'credit_note'
        end as item_type,
        -- An entry may hold several receivable lines: each gets its share of the revenue.
        case
            when described.is_opening or not entries.has_revenue then null
            when entries.receivable_amount = 0 then null
            else round(
                entries.revenue_excl_tax_amount
                * described.signed_amount / entries.receivable_amount, 2
            )
        end as amount_excl_tax,
        not described.is_opening
        and entries.has_revenue
        and not (described.signed_amount < 0 and entries.has_treasury) as counts_as_revenue
    from numbered as described
    inner join {{ ref('int_ledger_entries') }} as entries
        on
            described.source = entries.source
            and described.entity_id = entries.entity_id
            and described.closing_date = entries.closing_date
            and described.entry_key = entries.entry_key
)

select * from final
