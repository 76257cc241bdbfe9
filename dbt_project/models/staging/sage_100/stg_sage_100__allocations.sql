-- grain: one row per pair of a credit line and a debit line that it settles, losses apart
with final as (
    select
        {{ surrogate_key([
            'matches.entity_id', 'matches.credit_line_no', 'matches.debit_line_no'
        ]) }}
            as record_key,
        cast(null as integer) as line_no,
        matches.entity_id,
        matches.credit_line_no || '/' || matches.debit_line_no as source_allocation_id,
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
        -- Taking the code away changes the lines: what is no longer in force is no longer matched.
        cast(null as date) as reversed_on,
        matches.is_estimated,
        matches.known_at
    from {{ ref('stg_sage_100__matches') }} as matches
    left join {{ ref('stg_sage_100__instalments') }} as instalments
        on
            matches.entity_id = instalments.entity_id
            and matches.debit_item_id = instalments.source_document_id
            and matches.debit_position = instalments.instalment_no
    where matches.credit_kind <> 'write_off' or matches.debit_kind = 'payment'
)

select * from final
