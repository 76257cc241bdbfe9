-- grain: one row per voucher, debit and credit that meet in it, and per invoice paid at once
with final as (
    select
        record_key,
        cast(null as bigint) as line_no,
        entity_id,
        settlement_id as source_allocation_id,
        -- A refund is allocated to what it pays out.
        case
            when debit_kind = 'payment' or credit_kind = 'payment' then 'payment'
            else 'credit_note'
        end as source_type,
        case debit_kind when 'payment' then debit_id else credit_id end as source_id,
        case debit_kind when 'payment' then credit_id else debit_id end as source_document_id,
        -- The ledger knows no instalments: the oldest that has room.
        cast(null as integer) as instalment_no,
        amount,
        cast(null as date) as reversed_on,
        is_estimated,
        known_at
    from {{ ref('stg_erpnext__settlements') }}
    where not is_write_off
    union all
    select
        {{ surrogate_key(['entity_id', 'source_document_id', "'paid'"]) }} as record_key,
        cast(null as bigint) as line_no,
        entity_id,
        source_document_id || '/paid' as source_allocation_id,
        'payment' as source_type,
        source_document_id || '/paid' as source_id,
        source_document_id,
        cast(null as integer) as instalment_no,
        paid_at_once as amount,
        cast(null as date) as reversed_on,
        false as is_estimated,
        known_at
    from {{ ref('stg_erpnext__documents') }}
    where paid_at_once > 0
)

select * from final
