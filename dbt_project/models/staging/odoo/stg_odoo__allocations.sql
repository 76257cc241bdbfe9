-- grain: one row per reconciliation of two receivable lines
with matches as (
    select
        entity_id,
        source_reconcile_id,
        source_debit_line_id,
        debit_kind,
        -- As stg_odoo__payments names them.
        case converts
            when 'debit' then debit_item_id || '-' || credit_currency
            else debit_item_id
        end as debit_item_id,
        credit_kind,
        case converts
            when 'credit' then credit_item_id || '-' || debit_currency
            else credit_item_id
        end as credit_item_id,
        case converts when 'debit' then credit_amount else debit_amount end as amount,
        known_at
    from {{ ref('stg_odoo__matches') }}
),

final as (
    select
        {{ surrogate_key(['matches.entity_id', 'matches.source_reconcile_id']) }} as record_key,
        cast(null as bigint) as line_no,
        matches.entity_id,
        matches.source_reconcile_id as source_allocation_id,
        -- A refund is what pays out a credit note or a receipt.
        case
            when matches.debit_kind = 'payment' or matches.credit_kind = 'payment'
                then 'payment'
            else 'credit_note'
        end as source_type,
        case matches.debit_kind
            when 'payment' then matches.debit_item_id
            else matches.credit_item_id
        end as source_id,
        case matches.debit_kind
            when 'payment' then matches.credit_item_id
            else matches.debit_item_id
        end as source_document_id,
        instalments.instalment_no,
        matches.amount,
        -- Unreconciling deletes: what is no longer in force is no longer listed.
        cast(null as date) as reversed_on,
        matches.known_at
    from matches
    left join {{ ref('stg_odoo__instalments') }} as instalments
        on
            matches.entity_id = instalments.entity_id
            and matches.source_debit_line_id = instalments.source_line_id
)

select * from final
