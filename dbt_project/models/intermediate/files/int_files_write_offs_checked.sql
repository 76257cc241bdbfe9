-- grain: one row per write-off of the flat files, with the reason why it cannot be used, if any
with write_offs as (
    select
        record_key,
        line_no,
        entity_id,
        source_write_off_id,
        source_document_id,
        instalment_no,
        write_off_date,
        amount,
        known_at,
        sum(amount) over (
            partition by entity_id, source_document_id
            order by write_off_date, source_write_off_id
        ) as written_off_so_far,
        sum(amount) over (
            partition by entity_id, source_document_id, instalment_no
            order by write_off_date, source_write_off_id
        ) as written_off_of_instalment
    from {{ ref('stg_files__write_offs') }}
),

settled as (
    select
        debit_key,
        sum(amount) as settled_amount
    from {{ ref('int_files_allocations_checked') }}
    where refused_reason is null and reversed_on is null
    group by debit_key
),

settled_instalments as (
    select
        debit_key,
        instalment_no,
        sum(amount) as settled_amount
    from {{ ref('int_files_allocations_checked') }}
    where refused_reason is null and reversed_on is null and instalment_no is not null
    group by debit_key, instalment_no
),

matched as (
    select
        write_offs.*,
        documents.document_key,
        documents.document_type,
        documents.status,
        documents.refused_reason as document_refused_reason,
        documents.amount_incl_tax,
        -- No allocation at all is truly zero.
        coalesce(settled.settled_amount, 0) as settled_amount,
        instalments.amount as instalment_amount,
        coalesce(settled_instalments.settled_amount, 0) as settled_of_instalment
    from write_offs
    left join {{ ref('int_files_documents_checked') }} as documents
        on
            write_offs.entity_id = documents.entity_id
            and write_offs.source_document_id = documents.source_document_id
    left join settled
        on documents.document_key = settled.debit_key
    left join {{ ref('int_instalments') }} as instalments
        on
            documents.document_key = instalments.document_key
            and write_offs.instalment_no = instalments.instalment_no
    left join settled_instalments
        on
            documents.document_key = settled_instalments.debit_key
            and write_offs.instalment_no = settled_instalments.instalment_no
),

final as (
    select
        record_key,
        line_no,
        {{ surrogate_key(["'files'", 'entity_id', "'write_off'", 'source_write_off_id']) }}
            as write_off_id,
        entity_id,
        document_key,
        instalment_no,
        write_off_date,
        amount,
        known_at,
        case
            when document_key is null or document_refused_reason is not null
                then 'document_id'
            when document_type <> 'invoice' or status <> 'posted' then 'document_id'
            when instalment_no is not null and instalment_amount is null then 'instalment_no'
            when settled_amount + written_off_so_far > amount_incl_tax then 'amount'
            when settled_of_instalment + written_off_of_instalment > instalment_amount
                then 'amount'
        end as refused_column,
        case
            when document_key is null
                then 'document ' || source_document_id || ' is not in documents: add it there'
            when document_refused_reason is not null
                then 'document ' || source_document_id || ' was itself refused: mend it first'
            when document_type <> 'invoice' or status <> 'posted'
                then
                    'document ' || source_document_id || ' is a ' || status || ' '
                    || replace(document_type, '_', ' ')
                    || ': only posted invoices are written off'
            when instalment_no is not null and instalment_amount is null
                then
                    'document ' || source_document_id || ' has no instalment '
                    || cast(instalment_no as text) || ': correct the number or leave it empty'
            when settled_amount + written_off_so_far > amount_incl_tax
                then
                    'write-offs of ' || cast(written_off_so_far as text)
                    || ' after settlements of ' || cast(settled_amount as text)
                    || ' exceed document ' || source_document_id || ' of '
                    || cast(amount_incl_tax as text)
            when settled_of_instalment + written_off_of_instalment > instalment_amount
                then
                    'write-offs of ' || cast(written_off_of_instalment as text)
                    || ' after settlements of ' || cast(settled_of_instalment as text)
                    || ' exceed instalment ' || cast(instalment_no as text) || ' of document '
                    || source_document_id || ' of ' || cast(instalment_amount as text)
        end as refused_reason
    from matched
)

select * from final
