-- grain: one row per entity and month, the running month included up to the as-of date
-- A month without any document has a row of zeros: it must not vanish from a curve.
with periods as (
    select
        as_of_date,
        {{ month_start('as_of_date') }} as month_start
    from {{ ref('int_reporting_dates') }}
),

first_months as (
    select
        entity_id,
        {{ month_start('min(booking_date)') }} as first_month
    from {{ ref('fct_items') }}
    where booking_date <= {{ as_of_date() }}
    group by entity_id
),

entity_months as (
    select
        entities.entity_id,
        entities.base_currency as company_currency_code,
        periods.as_of_date,
        periods.month_start
    from {{ ref('int_entities') }} as entities
    inner join first_months
        on entities.entity_id = first_months.entity_id
    inner join periods
        on first_months.first_month <= periods.month_start
),

daily_revenue as (
    select
        entity_id,
        revenue_date,
        sum(revenue_company_amount) as revenue_company_amount,
        sum(revenue_excl_tax_company_amount) as revenue_excl_tax_company_amount
    from {{ ref('int_customer_revenue') }}
    group by entity_id, revenue_date
),

monthly_revenue as (
    select
        entity_id,
        {{ month_start('revenue_date') }} as month_start,
        sum(revenue_company_amount) as revenue_company_amount,
        sum(revenue_excl_tax_company_amount) as revenue_excl_tax_company_amount
    from daily_revenue
    group by entity_id, {{ month_start('revenue_date') }}
),

credit_notes as (
    select
        documents.entity_id,
        {{ month_start('documents.booking_date') }} as month_start,
        sum({{ company_amount(
            'documents.amount_incl_tax', 'documents.exchange_rate', 'entities.minor_units'
        ) }}) as credited_company_amount
    from {{ ref('fct_documents') }} as documents
    inner join {{ ref('int_entities') }} as entities
        on documents.entity_id = entities.entity_id
    where
        documents.document_type = 'credit_note'
        and documents.counts_as_revenue
        and documents.booking_date <= {{ as_of_date() }}
    group by documents.entity_id, {{ month_start('documents.booking_date') }}
),

cash as (
    select
        entity_id,
        {{ month_start('booking_date') }} as month_start,
        sum(
            case
                when item_type = 'payment' then {{ company_amount(
                    '-original_amount', 'exchange_rate', 'company_minor_units'
                ) }}
                else 0
            end
        ) as received_company_amount,
        sum(
            case
                when item_type = 'refund' then {{ company_amount(
                    'original_amount', 'exchange_rate', 'company_minor_units'
                ) }}
                else 0
            end
        ) as refunded_company_amount
    from {{ ref('fct_items') }}
    where item_type in ('payment', 'refund') and booking_date <= {{ as_of_date() }}
    group by entity_id, {{ month_start('booking_date') }}
),

monthly_losses as (
    select
        entity_id,
        {{ month_start('loss_date') }} as month_start,
        sum(written_off_company_amount) as written_off_company_amount
    from {{ ref('int_entity_losses') }}
    group by entity_id, {{ month_start('loss_date') }}
),

-- The 12 months up to each date, by day: the running month ends within a month.
yearly_revenue as (
    select
        periods.as_of_date,
        daily_revenue.entity_id,
        sum(daily_revenue.revenue_excl_tax_company_amount) as revenue_excl_tax_company_amount
    from daily_revenue
    inner join periods
        on
            daily_revenue.revenue_date <= periods.as_of_date
            and daily_revenue.revenue_date > {{ add_months('periods.as_of_date', -12) }}
    group by periods.as_of_date, daily_revenue.entity_id
),

yearly_losses as (
    select
        periods.as_of_date,
        losses.entity_id,
        sum(losses.written_off_excl_tax_company_amount) as written_off_excl_tax_company_amount
    from {{ ref('int_entity_losses') }} as losses
    inner join periods
        on
            losses.loss_date <= periods.as_of_date
            and losses.loss_date > {{ add_months('periods.as_of_date', -12) }}
    group by periods.as_of_date, losses.entity_id
),

balances as (
    select
        as_of_date,
        scope_value as entity_id,
        outstanding_company_amount,
        open_invoices_company_amount,
        overdue_company_amount,
        open_invoice_count,
        overdue_invoice_count
    from {{ ref('int_scope_balances') }}
    where scope_type = 'entity'
),

final as (
    select
        entity_months.entity_id,
        entity_months.month_start,
        entity_months.as_of_date,
        entity_months.company_currency_code,
        -- What has no row in a month is truly zero.
        coalesce(monthly_revenue.revenue_company_amount, 0) as revenue_company_amount,
        coalesce(monthly_revenue.revenue_excl_tax_company_amount, 0)
            as revenue_excl_tax_company_amount,
        coalesce(credit_notes.credited_company_amount, 0) as credit_notes_company_amount,
        coalesce(cash.received_company_amount, 0) as receipts_company_amount,
        coalesce(cash.refunded_company_amount, 0) as refunds_company_amount,
        coalesce(monthly_losses.written_off_company_amount, 0) as write_offs_company_amount,
        coalesce(balances.outstanding_company_amount, 0) as outstanding_company_amount,
        coalesce(balances.overdue_company_amount, 0) as overdue_company_amount,
        cast(coalesce(balances.overdue_invoice_count, 0) as bigint) as overdue_count,
        case
            when balances.open_invoices_company_amount > 0
                then round(
                    balances.overdue_company_amount / balances.open_invoices_company_amount, 6
                )
        end as overdue_ratio_amount,
        case
            when balances.open_invoice_count > 0
                then round(
                    cast(balances.overdue_invoice_count as numeric) / balances.open_invoice_count, 6
                )
        end as overdue_ratio_count,
        case
            when yearly_revenue.revenue_excl_tax_company_amount > 0
                then round(
                    coalesce(yearly_losses.written_off_excl_tax_company_amount, 0)
                    / yearly_revenue.revenue_excl_tax_company_amount, 6
                )
        end as loss_ratio,
        coalesce(due_months.due_company_amount, 0) as due_company_amount,
        coalesce(due_months.paid_on_time_company_amount, 0) as paid_on_time_company_amount,
        case
            when due_months.due_company_amount > 0
                then round(
                    due_months.paid_on_time_company_amount / due_months.due_company_amount, 6
                )
        end as share_paid_on_time
    from entity_months
    left join monthly_revenue
        on
            entity_months.entity_id = monthly_revenue.entity_id
            and entity_months.month_start = monthly_revenue.month_start
    left join credit_notes
        on
            entity_months.entity_id = credit_notes.entity_id
            and entity_months.month_start = credit_notes.month_start
    left join cash
        on
            entity_months.entity_id = cash.entity_id
            and entity_months.month_start = cash.month_start
    left join monthly_losses
        on
            entity_months.entity_id = monthly_losses.entity_id
            and entity_months.month_start = monthly_losses.month_start
    left join yearly_revenue
        on
            entity_months.entity_id = yearly_revenue.entity_id
            and entity_months.as_of_date = yearly_revenue.as_of_date
    left join yearly_losses
        on
            entity_months.entity_id = yearly_losses.entity_id
            and entity_months.as_of_date = yearly_losses.as_of_date
    left join balances
        on
            entity_months.entity_id = balances.entity_id
            and entity_months.as_of_date = balances.as_of_date
    left join {{ ref('int_entity_due_months') }} as due_months
        on
            entity_months.entity_id = due_months.entity_id
            and entity_months.as_of_date = due_months.period_end_date
)

select * from final
