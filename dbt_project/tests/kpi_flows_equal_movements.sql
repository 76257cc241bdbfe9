-- Rule: the receipts and refunds of a month are the payments and refunds that were issued in it,
-- and its write-offs are what the movements wrote off. Source: a key figure that is computed beside
-- the sub-ledger drifts from it; GitLab's billing filter loses the receipts of months without
-- billing.
with movements as (
    select
        entity_id,
        {{ month_start('movement_date') }} as month_start,
        sum(-company_amount) filter (where item_type = 'payment') as received_company_amount,
        sum(company_amount) filter (where item_type = 'refund') as refunded_company_amount,
        sum(-company_amount) filter (where item_type = 'invoice') as written_off_company_amount
    from {{ ref('fct_receivable_movements') }}
    where
        movement_date >= (
            select {{ month_start('min(as_of_date)') }} from {{ ref('int_reporting_dates') }}
        )
        and (
            (movement_type = 'issue' and item_type in ('payment', 'refund'))
            or (movement_type = 'write_off' and item_type = 'invoice')
        )
    group by entity_id, {{ month_start('movement_date') }}
)

select
    entity_id,
    month_start,
    kpi.receipts_company_amount,
    movements.received_company_amount,
    kpi.refunds_company_amount,
    movements.refunded_company_amount,
    kpi.write_offs_company_amount,
    movements.written_off_company_amount
from {{ ref('mart_kpi_monthly') }} as kpi
full outer join movements
    using (entity_id, month_start)
where
    coalesce(kpi.receipts_company_amount, 0) <> coalesce(movements.received_company_amount, 0)
    or coalesce(kpi.refunds_company_amount, 0) <> coalesce(movements.refunded_company_amount, 0)
    or coalesce(kpi.write_offs_company_amount, 0)
    <> coalesce(movements.written_off_company_amount, 0)
