-- grain: one row per credit note, invoice of another day whose sales it reduces, and day from
-- which it reduces them by so much more (or less)
-- Policy credit_note_month = credited_invoice. The invoice that the credit note names is believed;
-- without one, each part counts where it is allocated, and the rest on its own day. A reversal
-- gives back on its own day what the allocation took: dates before keep what held then.
with credit_notes as (
    select
        revenue.document_key,
        revenue.customer_id,
        revenue.credited_document_key,
        revenue.revenue_date,
        -revenue.revenue_company_amount as credited_company_amount,
        revenue.exchange_rate,
        revenue.minor_units
    from {{ ref('int_document_revenue') }} as revenue
    inner join {{ ref('int_entity_policies') }} as policies
        on
            revenue.entity_id = policies.entity_id
            and policies.credit_note_month = 'credited_invoice'
    where revenue.document_type = 'credit_note'
),

-- Those after the as-of date too: a name is a name before its invoice is dated.
invoices as (
    select
        document_id as document_key,
        customer_id,
        booking_date as revenue_date
    from {{ ref('fct_documents') }}
    where document_type = 'invoice' and counts_as_revenue
),

credits_with_name as (
    select
        credit_notes.document_key,
        invoices.document_key as invoice_key,
        credit_notes.customer_id,
        credit_notes.revenue_date as from_date,
        invoices.revenue_date as to_date,
        greatest(credit_notes.revenue_date, invoices.revenue_date) as effective_date,
        credit_notes.credited_company_amount
    from credit_notes
    inner join invoices
        on
            credit_notes.credited_document_key = invoices.document_key
            and credit_notes.customer_id = invoices.customer_id
),

allocations as (
    select
        credit_notes.document_key,
        settlements.document_id as debit_key,
        settlements.amount,
        settlements.in_force_from,
        settlements.in_force_to
    from credit_notes
    inner join {{ ref('fct_invoice_settlements') }} as settlements
        on
            credit_notes.document_key = settlements.credit_item_id
            and settlements.settlement_type = 'credit_note'
    left join credits_with_name
        on credit_notes.document_key = credits_with_name.document_key
    where credits_with_name.document_key is null
),

allocation_events as (
    select
        document_key,
        debit_key,
        in_force_from as effective_date,
        amount
    from allocations
    union all
    select
        document_key,
        debit_key,
        in_force_to as effective_date,
        -amount as amount
    from allocations
    where in_force_to is not null
),

-- What one instalment of the invoice leaves to another is no change of the invoice.
allocated_days as (
    select
        document_key,
        debit_key,
        effective_date,
        sum(amount) as amount
    from allocation_events
    group by document_key, debit_key, effective_date
    having sum(amount) <> 0
),

-- A credit note may settle one invoice in several steps: they are added up.
allocated_so_far as (
    select
        document_key,
        debit_key,
        effective_date,
        amount,
        sum(amount) over (
            partition by document_key, debit_key
            order by effective_date
        ) as allocated_amount
    from allocated_days
),

-- Rounded on the sum so far, so that what is reversed is given back to the cent.
credits_by_allocation as (
    select
        allocated_so_far.document_key,
        invoices.document_key as invoice_key,
        credit_notes.customer_id,
        credit_notes.revenue_date as from_date,
        invoices.revenue_date as to_date,
        allocated_so_far.effective_date,
        {{ company_amount(
            'allocated_so_far.allocated_amount',
            'credit_notes.exchange_rate',
            'credit_notes.minor_units'
        ) }}
        - {{ company_amount(
            '(allocated_so_far.allocated_amount - allocated_so_far.amount)',
            'credit_notes.exchange_rate',
            'credit_notes.minor_units'
        ) }} as credited_company_amount
    from allocated_so_far
    inner join credit_notes
        on allocated_so_far.document_key = credit_notes.document_key
    inner join invoices
        on
            allocated_so_far.debit_key = invoices.document_key
            and credit_notes.customer_id = invoices.customer_id
),

all_credits as (
    select * from credits_with_name
    union all
    select * from credits_by_allocation
),

final as (
    select *
    from all_credits
    where from_date <> to_date
)

select * from final
