-- Rule: the revenue of a month is its posted invoices less its credit notes, tax included, as the
-- source delivered them and at their own rates. Source: contracts, section 3: days of sales are
-- counted on revenue incl. tax, as receivables contain the tax. An entity of which a row was
-- refused is left out: that holds by itself.
with left_out as (
    select entity_id
    from {{ ref('int_refused_rows') }}
    where entity_id is not null
    group by entity_id
    union
    -- A ledger tells its sales by its lines.
    select entity_id
    from {{ ref('int_ledger_years') }}
    group by entity_id
),

delivered as (
    select
        documents.entity_id,
        {{ month_start('documents.issue_date') }} as month_start,
        sum(
            case documents.document_type when 'invoice' then 1 else -1 end
            * {{ company_amount(
                'documents.amount_incl_tax',
                'case when documents.currency_code = entities.base_currency then 1'
                ~ ' else documents.exchange_rate end',
                'entities.minor_units'
            ) }}
        ) as revenue_company_amount
    from {{ ref('int_gathered_documents') }} as documents
    inner join {{ ref('int_entities') }} as entities
        on documents.entity_id = entities.entity_id
    where documents.status = 'posted' and documents.issue_date <= {{ as_of_date() }}
    group by documents.entity_id, {{ month_start('documents.issue_date') }}
)

select
    kpi.entity_id,
    kpi.month_start,
    kpi.revenue_company_amount,
    delivered.revenue_company_amount as delivered_company_amount
from {{ ref('mart_kpi_monthly') }} as kpi
left join delivered
    on
        kpi.entity_id = delivered.entity_id
        and kpi.month_start = delivered.month_start
left join left_out
    on kpi.entity_id = left_out.entity_id
where
    left_out.entity_id is null
    -- A month without documents has no sales.
    and kpi.revenue_company_amount <> coalesce(delivered.revenue_company_amount, 0)
