-- grain: one row per line of a loss and line of a document that it settles
with final as (
    select
        {{ surrogate_key([
            'matches.entity_id', 'matches.credit_line_no', 'matches.debit_line_no'
        ]) }}
            as record_key,
        cast(null as integer) as line_no,
        matches.entity_id,
        matches.credit_line_no || '/' || matches.debit_line_no as source_write_off_id,
        matches.debit_item_id as source_document_id,
        instalments.instalment_no,
        lines.entry_date as write_off_date,
        matches.amount,
        lines.document_number as reason,
        matches.known_at
    from {{ ref('stg_sage_100__matches') }} as matches
    inner join {{ ref('stg_sage_100__receivable_lines') }} as lines
        on
            matches.entity_id = lines.entity_id
            and matches.credit_line_no = lines.ledger_line_no
    left join {{ ref('stg_sage_100__instalments') }} as instalments
        on
            matches.entity_id = instalments.entity_id
            and matches.debit_item_id = instalments.source_document_id
            and matches.debit_position = instalments.instalment_no
    where
        matches.credit_kind = 'write_off'
        and matches.debit_kind = 'document'
)

select * from final
