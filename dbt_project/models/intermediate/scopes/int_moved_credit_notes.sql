-- grain: one row per credit note and invoice of another month whose sales it reduces
-- Policy credit_note_month = credited_invoice. The invoice that the credit note names is believed;
-- without one, each part counts where it was allocated, and the rest in its own month. An
-- allocation that was reversed never counts.
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

invoices as (
    select
        document_key,
        customer_id,
        revenue_date
    from {{ ref('int_document_revenue') }}
    where document_type = 'invoice'
),

credits_with_name as (
    select
        credit_notes.document_key,
        invoices.document_key as invoice_key,
        credit_notes.customer_id,
        {{ month_start('credit_notes.revenue_date') }} as from_month,
        {{ month_start('invoices.revenue_date') }} as to_month,
        {{ month_start('greatest(credit_notes.revenue_date, invoices.revenue_date)') }}
            as effective_month,
        credit_notes.credited_company_amount
    from credit_notes
    inner join invoices
        on
            credit_notes.credited_document_key = invoices.document_key
            and credit_notes.customer_id = invoices.customer_id
),

-- A credit note may settle one invoice in several steps: they are added up.
credits_by_allocation as (
    select
        credit_notes.document_key,
        invoices.document_key as invoice_key,
        credit_notes.customer_id,
        {{ month_start('min(credit_notes.revenue_date)') }} as from_month,
        {{ month_start('min(invoices.revenue_date)') }} as to_month,
        {{ month_start('max(settlements.effective_date)') }} as effective_month,
        {{ company_amount(
            'sum(settlements.amount)',
            'min(credit_notes.exchange_rate)',
            'min(credit_notes.minor_units)'
        ) }} as credited_company_amount
    from credit_notes
    inner join {{ ref('int_settlements') }} as settlements
        on
            credit_notes.document_key = settlements.credit_key
            and settlements.settlement_type = 'credit_note'
            and settlements.reversed_on is null
    inner join invoices
        on
            settlements.debit_key = invoices.document_key
            and credit_notes.customer_id = invoices.customer_id
    left join credits_with_name
        on credit_notes.document_key = credits_with_name.document_key
    where credits_with_name.document_key is null
    group by credit_notes.document_key, invoices.document_key, credit_notes.customer_id
),

all_credits as (
    select * from credits_with_name
    union all
    select * from credits_by_allocation
),

final as (
    select *
    from all_credits
    where from_month <> to_month
)

select * from final
