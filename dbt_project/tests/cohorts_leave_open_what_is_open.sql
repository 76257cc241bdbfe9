-- Rule: what the cohorts of an entity leave open is what is open on its sales invoices, at every
-- date shown. Source: contracts, section 3: one open amount per item, however reports cut it.
with cohorts as (
    select
        entity_id,
        period_end_date as as_of_date,
        sum(open_company_amount) as open_company_amount
    from {{ ref('mart_invoice_cohorts') }}
    group by entity_id, period_end_date
),

-- Nearly all invoice items are sales: those that are not are told from the others faster.
other_items as (
    select open_item_id
    from {{ ref('fct_items') }}
    where item_type = 'invoice' and origin is distinct from 'sale'
),

open_items as (
    select
        aged_items.entity_id,
        aged_items.as_of_date,
        sum(aged_items.open_company_amount) as open_company_amount
    from {{ ref('int_aged_items') }} as aged_items
    left join other_items
        on aged_items.open_item_id = other_items.open_item_id
    where aged_items.item_type = 'invoice' and other_items.open_item_id is null
    group by aged_items.entity_id, aged_items.as_of_date
)

select
    reporting_dates.as_of_date,
    cohorts.entity_id,
    cohorts.open_company_amount as cohorts_company_amount,
    open_items.open_company_amount
from {{ ref('int_reporting_dates') }} as reporting_dates
inner join cohorts
    on reporting_dates.as_of_date = cohorts.as_of_date
left join open_items
    on
        cohorts.entity_id = open_items.entity_id
        and cohorts.as_of_date = open_items.as_of_date
where cohorts.open_company_amount <> coalesce(open_items.open_company_amount, 0)
