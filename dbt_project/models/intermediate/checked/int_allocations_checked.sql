-- grain: one row per allocation of any source, with the reason why it cannot be used, if any
-- Of the customers that this build works out, and what names none where it works out all.
-- An allocation joins a credit (receipt, credit note) to a debit (invoice, refund). A refund pays
-- out a credit note or a receipt, so for source_type payment with a refund the sides are swapped.

-- Both sides as named by the row, whatever they are. Keys are unique on each joined side.
with named_sides as (
    select
        allocations.source,
        allocations.record_key,
        allocations.line_no,
        allocations.entity_id,
        allocations.source_allocation_id,
        allocations.source_type,
        allocations.source_id,
        allocations.source_document_id,
        allocations.instalment_no,
        allocations.amount,
        allocations.reversed_on,
        allocations.is_estimated,
        allocations.known_at,
        coalesce(payments.payment_key, credit_notes.document_key) as source_key,
        coalesce(payments.payment_type, credit_notes.document_type) as source_kind,
        coalesce(payments.customer_id, credit_notes.customer_id) as source_customer_id,
        coalesce(payments.payment_date, credit_notes.issue_date) as source_date,
        coalesce(payments.currency_code, credit_notes.currency_code) as source_currency,
        coalesce(payments.amount, credit_notes.amount_incl_tax) as source_amount,
        coalesce(credit_notes.status, 'posted') as source_status,
        coalesce(payments.refused_reason, credit_notes.refused_reason) as source_refused_reason,
        coalesce(targets.document_key, refunded_payments.payment_key) as target_key,
        coalesce(targets.document_type, refunded_payments.payment_type) as target_kind,
        coalesce(targets.customer_id, refunded_payments.customer_id) as target_customer_id,
        coalesce(targets.issue_date, refunded_payments.payment_date) as target_date,
        coalesce(targets.currency_code, refunded_payments.currency_code) as target_currency,
        coalesce(targets.amount_incl_tax, refunded_payments.amount) as target_amount,
        coalesce(targets.status, 'posted') as target_status,
        coalesce(targets.refused_reason, refunded_payments.refused_reason)
            as target_refused_reason
    from {{ ref('int_gathered_allocations') }} as allocations
    left join {{ ref('int_payments_checked') }} as payments
        on
            allocations.source_type = 'payment'
            and allocations.source = payments.source
            and allocations.entity_id = payments.entity_id
            and allocations.source_id = payments.source_payment_id
    left join {{ ref('int_documents_checked') }} as credit_notes
        on
            allocations.source_type = 'credit_note'
            and allocations.source = credit_notes.source
            and allocations.entity_id = credit_notes.entity_id
            and allocations.source_id = credit_notes.source_document_id
    left join {{ ref('int_documents_checked') }} as targets
        on
            allocations.source = targets.source
            and allocations.entity_id = targets.entity_id
            and allocations.source_document_id = targets.source_document_id
    left join {{ ref('int_payments_checked') }} as refunded_payments
        on
            targets.document_key is null
            and payments.payment_type = 'refund'
            and allocations.source = refunded_payments.source
            and allocations.entity_id = refunded_payments.entity_id
            and allocations.source_document_id = refunded_payments.source_payment_id
    left join {{ ref('int_changed_customers') }} as changed_books
        on
            allocations.source = changed_books.source
            and allocations.entity_id = changed_books.entity_id
            and changed_books.source_customer_id = ''
    where
        payments.payment_key is not null
        or credit_notes.document_key is not null
        or targets.document_key is not null
        or changed_books.entity_id is not null
),

-- What the two sides say by themselves. Only what the amounts are asked for goes on: from here the
-- rows are read several times.
compared as (
    select
        source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        source_type,
        source_id,
        source_document_id,
        instalment_no,
        amount,
        reversed_on,
        is_estimated,
        known_at,
        greatest(source_date, target_date) as effective_date,
        coalesce(source_kind = 'refund', false) as is_refund,
        -- Credit notes and receipts have no instalments: a number says nothing there.
        instalment_no is not null and target_kind = 'invoice' as names_instalment,
        case when source_kind = 'refund' then target_key else source_key end as credit_key,
        case when source_kind = 'refund' then source_key else target_key end as debit_key,
        case when source_kind = 'refund' then target_amount else source_amount end
            as credit_amount,
        case when source_kind = 'refund' then source_amount else target_amount end
            as debit_amount,
        case
            when source_key is null then 'source_id'
            when target_key is null then 'document_id'
            when source_refused_reason is not null then 'source_id'
            when target_refused_reason is not null then 'document_id'
            when source_kind = 'invoice' then 'source_id'
            when source_kind = 'refund' and target_kind not in ('credit_note', 'receipt')
                then 'document_id'
            when source_kind <> 'refund' and target_kind <> 'invoice' then 'document_id'
            when source_status <> 'posted' then 'source_id'
            when target_status <> 'posted' then 'document_id'
            when source_customer_id <> target_customer_id then 'document_id'
            when source_currency <> target_currency then 'document_id'
            when amount is null then 'amount'
        end as refused_column,
        case
            when source_key is null
                then
                    source_type || ' ' || coalesce(source_id, '(none)')
                    || ' is not in the files: add it there'
            when target_key is null
                then
                    'document ' || coalesce(source_document_id, '(none)')
                    || ' is not in documents: add it there'
            when source_refused_reason is not null
                then source_type || ' ' || source_id || ' was itself refused: mend it first'
            when target_refused_reason is not null
                then 'document ' || source_document_id || ' was itself refused: mend it first'
            when source_kind = 'invoice'
                then
                    'document ' || source_id
                    || ' is an invoice: only payments and credit notes settle'
            when source_kind = 'refund' and target_kind not in ('credit_note', 'receipt')
                then
                    'refund ' || source_id
                    || ' must pay out a credit note or a receipt, not an invoice'
            when source_kind <> 'refund' and target_kind <> 'invoice'
                then
                    source_type || ' ' || source_id || ' must settle an invoice, '
                    || source_document_id || ' is a ' || replace(target_kind, '_', ' ')
            when source_status <> 'posted'
                then
                    'credit note ' || source_id || ' is ' || source_status
                    || ': only posted documents are matched'
            when target_status <> 'posted'
                then
                    'document ' || source_document_id || ' is ' || target_status
                    || ': only posted documents are matched'
            when source_customer_id <> target_customer_id
                then
                    source_type || ' ' || source_id || ' and document ' || source_document_id
                    || ' belong to different customers'
            when source_currency <> target_currency
                then
                    source_type || ' ' || source_id || ' is in ' || source_currency
                    || ', document ' || source_document_id || ' in ' || target_currency
                    || ': an allocation needs one currency'
            when amount is null
                then 'an allocation without an amount: give it one in the source'
        end as refused_reason
    from named_sides
),

-- Where all allocations together fit, each fits at any date: only the others are followed day by
-- day.
overfull_credits as (
    select credit_key
    from compared
    group by credit_key
    having sum(amount) > min(credit_amount)
),

overfull_debits as (
    select debit_key
    from compared
    group by debit_key
    having sum(amount) > min(debit_amount)
),

overfull_numbers as (
    select compared.debit_key
    from compared
    inner join {{ ref('int_instalments') }} as instalments
        on
            compared.debit_key = instalments.document_key
            and compared.instalment_no = instalments.instalment_no
    group by compared.debit_key, compared.instalment_no
    having sum(compared.amount) > min(instalments.amount)
),

overfull_instalments as (
    select debit_key
    from overfull_numbers
    group by debit_key
),

followed as (
    select
        compared.source,
        compared.record_key,
        compared.source_allocation_id,
        compared.credit_key,
        compared.debit_key,
        compared.instalment_no,
        compared.amount,
        compared.effective_date,
        compared.reversed_on
    from compared
    left join overfull_credits
        on compared.credit_key = overfull_credits.credit_key
    left join overfull_debits
        on compared.debit_key = overfull_debits.debit_key
    left join overfull_instalments
        on compared.debit_key = overfull_instalments.debit_key
    where
        overfull_credits.credit_key is not null
        or overfull_debits.debit_key is not null
        or overfull_instalments.debit_key is not null
),

-- An allocation is in force from its effective date until its reversal; one that is reversed on
-- that day never is, but has a row like the others.
events as (
    select
        source,
        record_key,
        source_allocation_id,
        credit_key,
        debit_key,
        instalment_no,
        case when reversed_on <= effective_date then 0 else amount end as amount,
        effective_date as event_date,
        1 as event_order
    from followed
    union all
    select
        source,
        record_key,
        source_allocation_id,
        credit_key,
        debit_key,
        instalment_no,
        -amount as amount,
        reversed_on as event_date,
        0 as event_order
    from followed
    where reversed_on > effective_date
),

in_force as (
    select
        source,
        record_key,
        event_order,
        sum(amount) over (
            partition by credit_key
            order by event_date, event_order, source_allocation_id
        ) as allocated_of_credit,
        sum(amount) over (
            partition by debit_key
            order by event_date, event_order, source_allocation_id
        ) as allocated_of_debit,
        sum(amount) over (
            partition by debit_key, instalment_no
            order by event_date, event_order, source_allocation_id
        ) as allocated_of_instalment
    from events
),

measured as (
    select
        compared.*,
        case when compared.is_refund then compared.debit_amount else compared.credit_amount end
            as source_amount,
        case when compared.is_refund then compared.credit_amount else compared.debit_amount end
            as target_amount,
        case
            when compared.is_refund then in_force.allocated_of_debit
            else in_force.allocated_of_credit
        end as allocated_of_source,
        case
            when compared.is_refund then in_force.allocated_of_credit
            else in_force.allocated_of_debit
        end as allocated_of_target,
        in_force.allocated_of_instalment,
        instalments.amount as instalment_amount
    from compared
    left join in_force
        on
            compared.source = in_force.source
            and compared.record_key = in_force.record_key
            and in_force.event_order = 1
    left join {{ ref('int_instalments') }} as instalments
        on
            compared.debit_key = instalments.document_key
            and compared.instalment_no = instalments.instalment_no
),

judged as (
    select
        source,
        record_key,
        line_no,
        entity_id,
        source_allocation_id,
        credit_key,
        debit_key,
        instalment_no,
        amount,
        effective_date,
        reversed_on,
        is_estimated,
        known_at,
        refused_column as column_refused_for_a_side,
        refused_reason as reason_of_a_side,
        case
            when names_instalment and instalment_amount is null then 'instalment_no'
            when reversed_on < effective_date then 'reversed_on'
            when greatest(amount, allocated_of_source) > source_amount then 'amount'
            when greatest(amount, allocated_of_target) > target_amount then 'amount'
            when names_instalment
                and greatest(amount, allocated_of_instalment) > instalment_amount
                then 'amount'
        end as refused_column,
        case
            when names_instalment and instalment_amount is null
                then
                    'document ' || source_document_id || ' has no instalment '
                    || cast(instalment_no as text) || ': correct the number or leave it empty'
            when reversed_on < effective_date
                then 'reversed_on is before the allocation takes effect'
            when greatest(amount, allocated_of_source) > source_amount
                then
                    'allocated ' || cast(greatest(amount, allocated_of_source) as text)
                    || ' of ' || source_type || ' ' || source_id || ', which is only '
                    || cast(source_amount as text)
            when greatest(amount, allocated_of_target) > target_amount
                then
                    'allocated ' || cast(greatest(amount, allocated_of_target) as text)
                    || ' to document ' || source_document_id || ', which is only '
                    || cast(target_amount as text)
            when names_instalment
                and greatest(amount, allocated_of_instalment) > instalment_amount
                then
                    'allocated ' || cast(greatest(amount, allocated_of_instalment) as text)
                    || ' to instalment ' || cast(instalment_no as text) || ' of document '
                    || source_document_id || ', which is only '
                    || cast(instalment_amount as text)
        end as refused_reason
    from measured
),

final as (
    select
        source,
        record_key,
        line_no,
        {{ surrogate_key(['source', 'entity_id', "'allocation'", 'source_allocation_id']) }}
            as allocation_id,
        entity_id,
        source_allocation_id,
        credit_key,
        debit_key,
        instalment_no,
        amount,
        effective_date,
        reversed_on,
        is_estimated,
        known_at,
        coalesce(column_refused_for_a_side, refused_column) as refused_column,
        coalesce(reason_of_a_side, refused_reason) as refused_reason
    from judged
)

select * from final
