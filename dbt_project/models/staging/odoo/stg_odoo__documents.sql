-- grain: one row per customer invoice, credit note or sales receipt, and per debit booked by hand
with totals as (
    select
        entity_id,
        source_item_id,
        source_move_id,
        is_sale,
        move_type,
        source_customer_id,
        status,
        document_number,
        item_date,
        base_currency,
        max(due_date) as due_date,
        -- A part of nothing is in the company's currency, whatever that of its invoice.
        max(case when amount <> 0 then currency_code end) as currency_code,
        sum(amount) as amount,
        sum(company_amount) as company_amount,
        sum(open_amount) as open_amount,
        min(known_at) as known_at
    from {{ ref('stg_odoo__receivable_lines') }}
    where item_kind = 'document'
    group by
        entity_id,
        source_item_id,
        source_move_id,
        is_sale,
        move_type,
        source_customer_id,
        status,
        document_number,
        item_date,
        base_currency
),

signed as (
    select
        totals.*,
        case
            when amount > 0 then 1
            when amount < 0 then -1
            when move_type = 'out_refund' then -1
            else 1
        end as sign
    from totals
),

final as (
    select
        {{ surrogate_key(['signed.entity_id', 'signed.source_item_id']) }} as record_key,
        cast(null as bigint) as line_no,
        signed.entity_id,
        signed.source_item_id as source_document_id,
        case signed.sign when 1 then 'invoice' else 'credit_note' end as document_type,
        signed.document_number,
        signed.source_customer_id,
        signed.item_date as issue_date,
        signed.due_date,
        coalesce(signed.currency_code, signed.base_currency) as currency_code,
        abs(signed.amount) as amount_incl_tax,
        abs(moves.amount_untaxed) as amount_excl_tax,
        -- Null for an amount without a value in the company's currency: it has no rate.
        case
            when coalesce(signed.currency_code, signed.base_currency) = signed.base_currency
                then 1
            else round(signed.company_amount / nullif(signed.amount, 0), 12)
        end as exchange_rate,
        credited.source_move_id as source_credited_document_id,
        signed.status,
        {{ json_object('null') }} as custom_attributes,
        signed.open_amount * signed.sign as source_open_amount,
        signed.known_at
    from signed
    left join {{ ref('stg_odoo__moves') }} as moves
        on
            signed.is_sale
            and signed.entity_id = moves.entity_id
            and signed.source_move_id = moves.source_move_id
    left join {{ ref('stg_odoo__moves') }} as credited
        on
            moves.entity_id = credited.entity_id
            and moves.source_reversed_move_id = credited.source_move_id
    -- A draft may have neither customer nor date yet; a line booked by hand is there once posted.
    where
        signed.status = 'posted'
        or (
            signed.is_sale
            and signed.source_customer_id <> 'none'
            and signed.item_date is not null
        )
)

select * from final
