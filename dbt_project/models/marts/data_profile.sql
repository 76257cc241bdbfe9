-- grain: one row per entity, measure and item
-- What the gate compares with the next publication, added up once: the next build reads these few
-- rows instead of the tables. An item is a currency, a month or a stream, or `all`.
with recent_invoices as (
    select
        entity_id,
        currency_code,
        count(*) as invoice_count,
        sum(amount_incl_tax * exchange_rate) as invoiced_company_amount,
        sum(exchange_rate) as total_exchange_rate
    from {{ ref('fct_documents') }}
    where
        document_type = 'invoice'
        and counts_as_revenue
        and booking_date <= {{ as_of_date() }}
        and booking_date > {{ add_months(as_of_date(), -3) }}
    group by entity_id, currency_code
),

open_items as (
    select
        entity_id,
        currency_code,
        company_currency_code,
        count(*) as item_count,
        sum(open_amount) as open_amount,
        sum(open_company_amount) as open_company_amount,
        sum(case when open_company_amount < 0 then -open_company_amount else 0 end)
            as credit_company_amount,
        sum(case when open_company_amount > 0 then open_company_amount else 0 end)
            as owed_company_amount,
        sum(
            case
                when open_company_amount > 0 and days_overdue > 0 then open_company_amount
                else 0
            end
        ) as overdue_company_amount,
        sum(case when item_type = 'invoice' then 1 else 0 end) as invoice_count,
        sum(case when item_type = 'invoice' and due_date_is_estimated then 1 else 0 end)
            as estimated_count,
        max(revaluation_rate) as revaluation_rate
    from {{ ref('fct_open_items') }}
    group by entity_id, currency_code, company_currency_code
),

measures as (
    select
        entity_id,
        'customers' as measure,
        'all' as item,
        cast(count(*) as numeric) as measured_value,
        count(*) as row_count
    from {{ ref('dim_customer') }}
    group by entity_id
    union all
    select
        entity_id,
        'movements' as measure,
        'all' as item,
        sum(movement_count) as measured_value,
        sum(movement_count) as row_count
    from {{ ref('int_movement_totals') }}
    group by entity_id
    union all
    select
        entity_id,
        'items' as measure,
        'all' as item,
        sum(movement_count) as measured_value,
        sum(movement_count) as row_count
    from {{ ref('int_movement_totals') }}
    where movement_type = 'issue'
    group by entity_id
    union all
    select
        entity_id,
        'open_items' as measure,
        'all' as item,
        sum(item_count) as measured_value,
        sum(item_count) as row_count
    from open_items
    group by entity_id
    union all
    select
        entity_id,
        'outstanding' as measure,
        'all' as item,
        sum(open_company_amount) as measured_value,
        sum(item_count) as row_count
    from open_items
    group by entity_id
    union all
    select
        entity_id,
        'outstanding_in_currency' as measure,
        currency_code as item,
        open_amount as measured_value,
        item_count as row_count
    from open_items
    union all
    select
        entity_id,
        'unapplied_share' as measure,
        'all' as item,
        round(sum(credit_company_amount) / nullif(sum(owed_company_amount), 0), 6)
            as measured_value,
        sum(item_count) as row_count
    from open_items
    group by entity_id
    union all
    select
        entity_id,
        'overdue_share' as measure,
        'all' as item,
        round(sum(overdue_company_amount) / nullif(sum(owed_company_amount), 0), 6)
            as measured_value,
        sum(invoice_count) as row_count
    from open_items
    group by entity_id
    union all
    select
        entity_id,
        'estimated_share' as measure,
        'all' as item,
        round(cast(sum(estimated_count) as numeric) / nullif(sum(invoice_count), 0), 6)
            as measured_value,
        sum(invoice_count) as row_count
    from open_items
    group by entity_id
    union all
    select
        entity_id,
        'revaluation_rates' as measure,
        currency_code as item,
        revaluation_rate as measured_value,
        item_count as row_count
    from open_items
    where currency_code <> company_currency_code
    union all
    select
        entity_id,
        'average_invoice' as measure,
        'all' as item,
        round(sum(invoiced_company_amount) / sum(invoice_count), 2) as measured_value,
        sum(invoice_count) as row_count
    from recent_invoices
    group by entity_id
    union all
    select
        recent_invoices.entity_id,
        'invoice_rates' as measure,
        recent_invoices.currency_code as item,
        round(recent_invoices.total_exchange_rate / recent_invoices.invoice_count, 6)
            as measured_value,
        recent_invoices.invoice_count as row_count
    from recent_invoices
    inner join {{ ref('int_entities') }} as entities
        on recent_invoices.entity_id = entities.entity_id
    where recent_invoices.currency_code <> entities.base_currency
    union all
    select
        entity_id,
        'revenue' as measure,
        cast({{ month_start('revenue_date') }} as text) as item,
        sum(revenue_company_amount) as measured_value,
        count(*) as row_count
    from {{ ref('int_customer_revenue') }}
    group by entity_id, {{ month_start('revenue_date') }}
    union all
    select
        entity_id,
        'source_rows' as measure,
        source || ' ' || stream as item,
        cast(row_count as numeric) as measured_value,
        row_count
    from {{ ref('data_coverage') }}
),

final as (
    select
        entity_id,
        measure,
        item,
        measured_value,
        cast(row_count as bigint) as row_count
    from measures
    where measured_value is not null
)

select * from final
