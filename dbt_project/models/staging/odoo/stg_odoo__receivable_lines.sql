-- grain: one row per line on a receivable account that is owed or paid
-- A line of an invoice, credit note or sales receipt belongs to that document. Of the other lines,
-- a credit is a payment; a debit is a refund when a payment or a bank statement made it, and a
-- document of its own otherwise. Exchange differences are no receivables: each item keeps the rate
-- at which it was booked (DECISIONS.md).
-- A table, unlike other staging models: six models read it, and giving lines their types from JSON
-- is most of their cost.
{{ config(materialized='table', post_hook="{{ gather_statistics(this) }}") }}

with lines as (
    select
        move_lines.entity_id,
        move_lines.source_line_id,
        move_lines.source_move_id,
        move_lines.move_name,
        move_lines.source_partner_id,
        move_lines.source_journal_id,
        move_lines.journal_name,
        move_lines.reference,
        move_lines.state,
        move_lines.is_cash,
        move_lines.booking_date,
        move_lines.due_date,
        move_lines.balance,
        move_lines.amount_residual,
        move_lines.known_at,
        companies.source_exchange_journal_id,
        base_currencies.currency_code as base_currency,
        -- Without an amount in another currency, the line is in that of the company: so are
        -- exchange differences, and the lines of Odoo 13 that name no currency.
        case
            when move_lines.amount_currency <> 0
                then coalesce(line_currencies.currency_code, base_currencies.currency_code)
            else base_currencies.currency_code
        end as currency_code,
        move_lines.amount_currency,
        move_lines.amount_residual_currency
    from {{ ref('stg_odoo__move_lines') }} as move_lines
    inner join {{ ref('stg_odoo__companies') }} as companies
        on move_lines.entity_id = companies.entity_id
    inner join {{ ref('stg_odoo__currencies') }} as base_currencies
        on
            companies.entity_id = base_currencies.entity_id
            and companies.source_currency_id = base_currencies.source_currency_id
    left join {{ ref('stg_odoo__currencies') }} as line_currencies
        on
            move_lines.entity_id = line_currencies.entity_id
            and move_lines.source_currency_id = line_currencies.source_currency_id
),

exchange_moves as (
    select
        entity_id,
        source_exchange_move_id
    from {{ ref('stg_odoo__partial_reconciles') }}
    where source_exchange_move_id is not null
    group by entity_id, source_exchange_move_id
),

classified as (
    select
        lines.*,
        moves.source_move_id is not null as is_sale,
        moves.move_type,
        moves.source_partner_id as move_partner_id,
        coalesce(
            moves.status,
            case lines.state when 'draft' then 'draft' when 'cancel' then 'void' else 'posted' end
        ) as status,
        coalesce(moves.document_number, lines.move_name) as document_number,
        coalesce(moves.invoice_date, lines.booking_date) as item_date,
        coalesce(lines.due_date, moves.due_date) as item_due_date
    from lines
    left join {{ ref('stg_odoo__moves') }} as moves
        on
            lines.entity_id = moves.entity_id
            and lines.source_move_id = moves.source_move_id
    left join exchange_moves
        on
            lines.entity_id = exchange_moves.entity_id
            and lines.source_move_id = exchange_moves.source_exchange_move_id
    where
        moves.source_move_id is not null
        or (
            exchange_moves.source_exchange_move_id is null
            and lines.balance <> 0
            and (
                lines.source_exchange_journal_id is null
                or lines.source_journal_id is null
                or lines.source_journal_id <> lines.source_exchange_journal_id
            )
        )
),

final as (
    select
        classified.entity_id,
        classified.source_line_id,
        case
            when classified.is_sale then 'document'
            when classified.balance < 0 or classified.is_cash then 'payment'
            else 'document'
        end as item_kind,
        -- Ids of moves and of lines are numbered apart.
        case
            when classified.is_sale then classified.source_move_id
            else 'line-' || classified.source_line_id
        end as source_item_id,
        classified.source_move_id,
        classified.is_sale,
        classified.move_type,
        coalesce(
            classified.move_partner_id,
            partners.source_commercial_partner_id,
            classified.source_partner_id,
            'none'
        ) as source_customer_id,
        classified.status,
        classified.document_number,
        classified.journal_name,
        classified.reference,
        classified.item_date,
        classified.item_due_date as due_date,
        classified.base_currency,
        classified.currency_code,
        case
            when classified.currency_code = classified.base_currency then classified.balance
            else classified.amount_currency
        end as amount,
        classified.balance as company_amount,
        case
            when classified.currency_code = classified.base_currency
                then classified.amount_residual
            else classified.amount_residual_currency
        end as open_amount,
        classified.known_at
    from classified
    left join {{ ref('stg_odoo__partners') }} as partners
        on
            classified.entity_id = partners.entity_id
            and classified.source_partner_id = partners.source_partner_id
)

select * from final
