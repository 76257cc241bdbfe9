-- grain: one row per entity, month of issue and age in months that has begun by the as-of date
with invoices as (
    select
        items.entity_id,
        items.company_currency_code,
        {{ month_start('items.booking_date') }} as issue_month,
        sum({{ company_amount(
            'items.original_amount', 'items.exchange_rate', 'items.company_minor_units'
        ) }}) as billed_company_amount
    from {{ ref('fct_items') }} as items
    where
        items.item_type = 'invoice'
        and items.origin = 'sale'
        and items.booking_date <= {{ as_of_date() }}
    group by
        items.entity_id, items.company_currency_code, {{ month_start('items.booking_date') }}
),

begun_months as (
    select
        invoices.*,
        {{ each_month('issue_month', month_start(as_of_date())) }} as begun_month
    from invoices
),

ages as (
    select
        entity_id,
        company_currency_code,
        issue_month,
        billed_company_amount,
        cast(
            row_number() over (partition by entity_id, issue_month order by begun_month) - 1
            as integer
        ) as age_months,
        least({{ month_end('begun_month') }}, {{ as_of_date() }}) as period_end_date,
        {{ month_end('begun_month') }} <= {{ as_of_date() }} as is_complete
    from begun_months
),

settled as (
    select
        entity_id,
        {{ month_start('booking_date') }} as issue_month,
        period_end_date,
        sum(case when settlement_type = 'payment' then settled_company_amount else 0 end)
            as collected_company_amount,
        sum(case when settlement_type = 'credit_note' then settled_company_amount else 0 end)
            as credited_company_amount,
        sum(case when settlement_type = 'write_off' then settled_company_amount else 0 end)
            as written_off_company_amount
    from {{ ref('int_invoice_settlement_months') }}
    where origin = 'sale'
    group by entity_id, {{ month_start('booking_date') }}, period_end_date
),

cumulated as (
    select
        ages.entity_id,
        ages.issue_month,
        ages.age_months,
        ages.period_end_date,
        ages.is_complete,
        ages.company_currency_code,
        ages.billed_company_amount,
        -- A month without settlements adds truly nothing.
        sum(coalesce(settled.collected_company_amount, 0)) over so_far as collected_company_amount,
        sum(coalesce(settled.credited_company_amount, 0)) over so_far as credited_company_amount,
        sum(coalesce(settled.written_off_company_amount, 0)) over so_far
            as written_off_company_amount
    from ages
    left join settled
        on
            ages.entity_id = settled.entity_id
            and ages.issue_month = settled.issue_month
            and ages.period_end_date = settled.period_end_date
    window so_far as (
        partition by ages.entity_id, ages.issue_month
        order by ages.age_months
    )
),

final as (
    select
        entity_id,
        issue_month,
        age_months,
        period_end_date,
        is_complete,
        company_currency_code,
        billed_company_amount,
        collected_company_amount,
        round(collected_company_amount / nullif(billed_company_amount, 0), 6)
            as collected_share,
        credited_company_amount,
        round(credited_company_amount / nullif(billed_company_amount, 0), 6) as credited_share,
        written_off_company_amount,
        round(written_off_company_amount / nullif(billed_company_amount, 0), 6)
            as written_off_share,
        billed_company_amount - collected_company_amount - credited_company_amount
        - written_off_company_amount as open_company_amount
    from cumulated
)

select * from final
