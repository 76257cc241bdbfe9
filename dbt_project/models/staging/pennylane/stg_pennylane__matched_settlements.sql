-- grain: one row per document and bank transaction or credit note that settles it, with the amount
-- Pennylane says which transactions are matched with which documents, and how much of a document is
-- settled in all; never how much of a transaction went to which document. Least choice first:
-- 1. a transaction with one document settles it, oldest first, up to what is settled of it (one
--    that is larger than that comes last);
-- 2. a credit note, less what was paid out of it, settles the invoice that it names, up to what the
--    transactions of that invoice cannot have settled;
-- 3. what is then left is shared out between the transactions with several documents: of those with
--    the same documents the oldest goes to what fell due first;
-- 4. what is still unexplained is settled by the customer's credit notes that name no invoice.
-- Where a transaction has several documents, or a document several transactions, or the currencies
-- differ, and in step 4, the amount is our estimate. All in the document's currency. DECISIONS.md.
-- A table: two models read it, and it is the longest of its folder.
{{ config(materialized='table') }}

with documents as (
    select
        entity_id,
        source_document_id,
        document_type,
        source_customer_id,
        issue_date,
        coalesce(due_date, issue_date) as due_date,
        currency_code,
        amount_incl_tax,
        exchange_rate,
        source_credited_document_id,
        -- What remains of it may be unknown, and of a credit note it always is.
        case
            when source_open_amount is null then amount_incl_tax
            else least(greatest(amount_incl_tax - source_open_amount, 0), amount_incl_tax)
        end as settled_amount,
        source_open_amount is not null as is_remaining_known,
        known_at
    from {{ ref('stg_pennylane__documents') }}
    where status = 'posted'
),

pairs as (
    select
        matched.entity_id,
        matched.source_document_id,
        matched.source_transaction_id,
        matched.transaction_date,
        matched.currency_code as transaction_currency,
        abs(matched.signed_amount) as transaction_amount,
        abs(matched.signed_company_amount) as transaction_company_amount,
        matched.signed_amount < 0 as is_refund,
        matched.label,
        greatest(matched.known_at, documents.known_at) as known_at,
        documents.document_type,
        documents.source_customer_id,
        documents.currency_code,
        documents.exchange_rate,
        documents.due_date,
        documents.settled_amount,
        -- Money that came in settles invoices, money that went out pays out credit notes.
        (matched.signed_amount < 0) = (documents.document_type = 'credit_note') as is_settling,
        count(*) over (
            partition by matched.entity_id, matched.source_transaction_id
        ) as document_count,
        count(*) over (
            partition by matched.entity_id, matched.source_document_id
        ) as transaction_count,
        min(documents.currency_code) over (
            partition by matched.entity_id, matched.source_transaction_id
        ) = matched.currency_code
        and max(documents.currency_code) over (
            partition by matched.entity_id, matched.source_transaction_id
        ) = matched.currency_code as is_one_currency
    from {{ ref('stg_pennylane__matched_transactions') }} as matched
    inner join documents
        on
            matched.entity_id = documents.entity_id
            and matched.source_document_id = documents.source_document_id
    where matched.signed_amount <> 0
),

offers as (
    select
        entity_id,
        source_document_id,
        source_transaction_id,
        transaction_date,
        settled_amount,
        case
            when is_one_currency then transaction_amount
            -- The one transfer in another currency settled what the source says is settled; the
            -- difference is one of exchange, not debt.
            when transaction_count = 1 then settled_amount
            else round(transaction_company_amount / nullif(exchange_rate, 0), 2)
        end as offered_amount
    from pairs
    where
        document_count = 1
        and is_settling
),

-- Somebody matched each of them, so each settles something: one that is larger than all that is
-- settled paid for other things as well, and comes last.
laid_offers as (
    select
        offers.*,
        coalesce(
            sum(offered_amount) over (
                partition by entity_id, source_document_id
                order by
                    offered_amount > settled_amount, transaction_date, source_transaction_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_amount
    from offers
),

single_shares as (
    select
        entity_id,
        source_document_id,
        source_transaction_id,
        least(offered_amount, greatest(settled_amount - earlier_amount, 0)) as amount
    from laid_offers
),

single_totals as (
    select
        entity_id,
        source_document_id,
        sum(amount) as amount
    from single_shares
    group by entity_id, source_document_id
),

paid_out as (
    select
        entity_id,
        source_document_id,
        sum(least(transaction_amount, settled_amount)) as amount
    from pairs
    where
        document_type = 'credit_note'
        and is_settling
    group by entity_id, source_document_id
),

document_sets as (
    select
        entity_id,
        source_transaction_id,
        string_agg(source_document_id, ' ' order by source_document_id) as document_set
    from pairs
    where
        document_count > 1
        and is_settling
    group by entity_id, source_transaction_id
),

-- What the transactions with the same invoices cannot have settled of them.
set_documents as (
    select
        pairs.entity_id,
        pairs.source_document_id,
        document_sets.document_set,
        min(pairs.settled_amount - coalesce(single_totals.amount, 0)) as room_amount
    from pairs
    inner join document_sets
        on
            pairs.entity_id = document_sets.entity_id
            and pairs.source_transaction_id = document_sets.source_transaction_id
    left join single_totals
        on
            pairs.entity_id = single_totals.entity_id
            and pairs.source_document_id = single_totals.source_document_id
    where
        pairs.document_type = 'invoice'
        and pairs.is_settling
        and pairs.is_one_currency
    group by pairs.entity_id, pairs.source_document_id, document_sets.document_set
),

set_transactions as (
    select
        document_sets.entity_id,
        document_sets.document_set,
        document_sets.source_transaction_id,
        min(pairs.transaction_amount) as amount
    from document_sets
    inner join pairs
        on
            document_sets.entity_id = pairs.entity_id
            and document_sets.source_transaction_id = pairs.source_transaction_id
    group by
        document_sets.entity_id, document_sets.document_set, document_sets.source_transaction_id
),

set_amounts as (
    select
        entity_id,
        document_set,
        sum(amount) as amount
    from set_transactions
    group by entity_id, document_set
),

set_rooms as (
    select
        entity_id,
        document_set,
        sum(room_amount) as room_amount
    from set_documents
    group by entity_id, document_set
),

-- Of an invoice in several sets, one: it is rare, and the next step settles no more than there is.
first_sets as (
    select
        entity_id,
        source_document_id,
        min(document_set) as document_set
    from set_documents
    group by entity_id, source_document_id
),

credit_limits as (
    select
        first_sets.entity_id,
        first_sets.source_document_id,
        first_sets.document_set,
        greatest(set_rooms.room_amount - set_amounts.amount, 0) as set_room_amount
    from first_sets
    inner join set_rooms
        on
            first_sets.entity_id = set_rooms.entity_id
            and first_sets.document_set = set_rooms.document_set
    inner join set_amounts
        on
            first_sets.entity_id = set_amounts.entity_id
            and first_sets.document_set = set_amounts.document_set
),

-- One row per credit note: it credits one invoice.
credits as (
    select
        credit_notes.entity_id,
        credit_notes.source_document_id as source_credit_note_id,
        credit_notes.issue_date,
        invoices.source_document_id,
        greatest(credit_notes.amount_incl_tax - coalesce(paid_out.amount, 0), 0)
            as offered_amount,
        invoices.settled_amount - coalesce(single_totals.amount, 0) as room_amount,
        coalesce(credit_limits.document_set, invoices.source_document_id) as document_set,
        credit_limits.set_room_amount,
        greatest(credit_notes.known_at, invoices.known_at) as known_at
    from documents as credit_notes
    inner join documents as invoices
        on
            credit_notes.entity_id = invoices.entity_id
            and credit_notes.source_credited_document_id = invoices.source_document_id
            and credit_notes.source_customer_id = invoices.source_customer_id
            and credit_notes.currency_code = invoices.currency_code
    left join paid_out
        on
            credit_notes.entity_id = paid_out.entity_id
            and credit_notes.source_document_id = paid_out.source_document_id
    left join single_totals
        on
            invoices.entity_id = single_totals.entity_id
            and invoices.source_document_id = single_totals.source_document_id
    left join credit_limits
        on
            invoices.entity_id = credit_limits.entity_id
            and invoices.source_document_id = credit_limits.source_document_id
    where
        credit_notes.document_type = 'credit_note'
        and invoices.document_type = 'invoice'
),

laid_credits as (
    select
        credits.*,
        coalesce(
            sum(offered_amount) over (
                partition by entity_id, source_document_id
                order by issue_date, source_credit_note_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_amount,
        coalesce(
            sum(least(offered_amount, room_amount)) over (
                partition by entity_id, document_set
                order by issue_date, source_credit_note_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_set_amount
    from credits
),

credit_shares as (
    select
        entity_id,
        source_document_id,
        source_credit_note_id,
        least(
            offered_amount,
            greatest(room_amount - earlier_amount, 0),
            case
                when set_room_amount is null then offered_amount
                else greatest(set_room_amount - earlier_set_amount, 0)
            end
        ) as amount,
        known_at
    from laid_credits
),

credit_totals as (
    select
        entity_id,
        source_document_id,
        sum(amount) as amount
    from credit_shares
    group by entity_id, source_document_id
),

used_credit_notes as (
    select
        entity_id,
        source_credit_note_id as source_document_id,
        sum(amount) as amount
    from credit_shares
    group by entity_id, source_credit_note_id
),

-- In the one currency of the transaction and its documents, else in euros. Transactions whose
-- documents are the same are laid end to end beside those documents.
shared_pairs as (
    select
        pairs.entity_id,
        pairs.source_document_id,
        pairs.source_transaction_id,
        pairs.transaction_date,
        pairs.due_date,
        {{ surrogate_key([
            'document_sets.document_set', 'pairs.is_refund', 'pairs.is_one_currency'
        ]) }}
            as shared_by,
        case when pairs.is_one_currency then 1 else pairs.exchange_rate end as unit_rate,
        case
            when pairs.is_one_currency then pairs.transaction_amount
            else pairs.transaction_company_amount
        end as offered_units,
        greatest(
            pairs.settled_amount
            - coalesce(single_totals.amount, 0)
            - coalesce(credit_totals.amount, 0)
            - coalesce(used_credit_notes.amount, 0),
            0
        ) as room_amount
    from pairs
    inner join document_sets
        on
            pairs.entity_id = document_sets.entity_id
            and pairs.source_transaction_id = document_sets.source_transaction_id
    left join single_totals
        on
            pairs.entity_id = single_totals.entity_id
            and pairs.source_document_id = single_totals.source_document_id
    left join credit_totals
        on
            pairs.entity_id = credit_totals.entity_id
            and pairs.source_document_id = credit_totals.source_document_id
    left join used_credit_notes
        on
            pairs.entity_id = used_credit_notes.entity_id
            and pairs.source_document_id = used_credit_notes.source_document_id
    where pairs.is_settling
),

transaction_ends as (
    select
        entity_id,
        shared_by,
        source_transaction_id,
        min(offered_units) as units,
        sum(min(offered_units)) over (
            partition by entity_id, shared_by
            order by min(transaction_date), source_transaction_id
        ) as end_units
    from shared_pairs
    group by entity_id, shared_by, source_transaction_id
),

document_ends as (
    select
        entity_id,
        shared_by,
        source_document_id,
        min(room_amount * unit_rate) as units,
        sum(min(room_amount * unit_rate)) over (
            partition by entity_id, shared_by
            order by min(due_date), source_document_id
        ) as end_units
    from shared_pairs
    group by entity_id, shared_by, source_document_id
),

shared_offers as (
    select
        shared_pairs.entity_id,
        shared_pairs.source_document_id,
        shared_pairs.source_transaction_id,
        shared_pairs.transaction_date,
        shared_pairs.room_amount,
        round(
            greatest(
                least(transaction_ends.end_units, document_ends.end_units)
                - greatest(
                    transaction_ends.end_units - transaction_ends.units,
                    document_ends.end_units - document_ends.units
                ),
                0
            )
            / nullif(shared_pairs.unit_rate, 0),
            2
        ) as offered_amount
    from shared_pairs
    inner join transaction_ends
        on
            shared_pairs.entity_id = transaction_ends.entity_id
            and shared_pairs.shared_by = transaction_ends.shared_by
            and shared_pairs.source_transaction_id = transaction_ends.source_transaction_id
    inner join document_ends
        on
            shared_pairs.entity_id = document_ends.entity_id
            and shared_pairs.shared_by = document_ends.shared_by
            and shared_pairs.source_document_id = document_ends.source_document_id
),

laid_shared_offers as (
    select
        shared_offers.*,
        coalesce(
            sum(offered_amount) over (
                partition by entity_id, source_document_id
                order by transaction_date, source_transaction_id
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as earlier_amount
    from shared_offers
),

transaction_shares as (
    select
        entity_id,
        source_document_id,
        source_transaction_id,
        amount
    from single_shares
    union all
    select
        entity_id,
        source_document_id,
        source_transaction_id,
        least(offered_amount, greatest(room_amount - earlier_amount, 0)) as amount
    from laid_shared_offers
),

transaction_totals as (
    select
        entity_id,
        source_document_id,
        sum(amount) as amount
    from transaction_shares
    group by entity_id, source_document_id
),

-- Only what the source itself says is settled: where it does not say what remains, nothing is
-- unexplained.
unexplained as (
    select
        invoices.entity_id,
        invoices.source_document_id,
        invoices.source_customer_id,
        invoices.currency_code,
        invoices.known_at,
        invoices.settled_amount
        - coalesce(transaction_totals.amount, 0)
        - coalesce(credit_totals.amount, 0) as amount,
        sum(
            invoices.settled_amount
            - coalesce(transaction_totals.amount, 0)
            - coalesce(credit_totals.amount, 0)
        ) over (
            partition by invoices.entity_id, invoices.source_customer_id, invoices.currency_code
            order by invoices.due_date, invoices.source_document_id
        ) as end_amount
    from documents as invoices
    left join transaction_totals
        on
            invoices.entity_id = transaction_totals.entity_id
            and invoices.source_document_id = transaction_totals.source_document_id
    left join credit_totals
        on
            invoices.entity_id = credit_totals.entity_id
            and invoices.source_document_id = credit_totals.source_document_id
    where
        invoices.document_type = 'invoice'
        and invoices.is_remaining_known
),

loose_credit_notes as (
    select
        credit_notes.entity_id,
        credit_notes.source_document_id,
        credit_notes.source_customer_id,
        credit_notes.currency_code,
        credit_notes.known_at,
        greatest(credit_notes.amount_incl_tax - coalesce(paid_out.amount, 0), 0) as amount,
        sum(greatest(credit_notes.amount_incl_tax - coalesce(paid_out.amount, 0), 0)) over (
            partition by
                credit_notes.entity_id,
                credit_notes.source_customer_id,
                credit_notes.currency_code
            order by credit_notes.issue_date, credit_notes.source_document_id
        ) as end_amount
    from documents as credit_notes
    left join paid_out
        on
            credit_notes.entity_id = paid_out.entity_id
            and credit_notes.source_document_id = paid_out.source_document_id
    where
        credit_notes.document_type = 'credit_note'
        and credit_notes.source_credited_document_id is null
),

-- The unexplained amounts and the loose credit notes of a customer, laid end to end.
loose_shares as (
    select
        unexplained.entity_id,
        unexplained.source_document_id,
        loose_credit_notes.source_document_id as source_credit_note_id,
        least(unexplained.end_amount, loose_credit_notes.end_amount)
        - greatest(
            unexplained.end_amount - unexplained.amount,
            loose_credit_notes.end_amount - loose_credit_notes.amount
        ) as amount,
        greatest(unexplained.known_at, loose_credit_notes.known_at) as known_at
    from unexplained
    inner join loose_credit_notes
        on
            unexplained.entity_id = loose_credit_notes.entity_id
            and unexplained.source_customer_id = loose_credit_notes.source_customer_id
            and unexplained.currency_code = loose_credit_notes.currency_code
            and unexplained.end_amount
            > loose_credit_notes.end_amount - loose_credit_notes.amount
            and loose_credit_notes.end_amount
            > unexplained.end_amount - unexplained.amount
),

credit_note_shares as (
    select
        entity_id,
        source_document_id,
        source_credit_note_id,
        amount,
        false as is_estimated,
        known_at
    from credit_shares
    union all
    select
        entity_id,
        source_document_id,
        source_credit_note_id,
        amount,
        true as is_estimated,
        known_at
    from loose_shares
),

final as (
    select
        pairs.entity_id,
        'payment' as source_type,
        pairs.source_transaction_id as settling_id,
        pairs.source_document_id,
        pairs.source_customer_id,
        pairs.currency_code,
        pairs.exchange_rate,
        coalesce(transaction_shares.amount, 0) as amount,
        pairs.document_count > 1
        or pairs.transaction_count > 1
        or not pairs.is_one_currency as is_estimated,
        pairs.is_refund,
        pairs.transaction_date,
        pairs.transaction_currency,
        pairs.transaction_amount,
        pairs.transaction_company_amount,
        pairs.label,
        pairs.known_at
    from pairs
    left join transaction_shares
        on
            pairs.entity_id = transaction_shares.entity_id
            and pairs.source_document_id = transaction_shares.source_document_id
            and pairs.source_transaction_id = transaction_shares.source_transaction_id
    union all
    select
        credit_note_shares.entity_id,
        'credit_note' as source_type,
        credit_note_shares.source_credit_note_id as settling_id,
        credit_note_shares.source_document_id,
        invoices.source_customer_id,
        invoices.currency_code,
        invoices.exchange_rate,
        credit_note_shares.amount,
        credit_note_shares.is_estimated,
        false as is_refund,
        cast(null as date) as transaction_date,
        cast(null as text) as transaction_currency,
        cast(null as numeric) as transaction_amount,
        cast(null as numeric) as transaction_company_amount,
        cast(null as text) as label,
        credit_note_shares.known_at
    from credit_note_shares
    inner join documents as invoices
        on
            credit_note_shares.entity_id = invoices.entity_id
            and credit_note_shares.source_document_id = invoices.source_document_id
)

select * from final
