-- grain: one row per payment entry or other voucher but invoices, customer, currency and side
-- What it settles, and what its own lines leave: a credit is a receipt, or a credit note where the
-- journal entry says so; a debit is a refund where the bank paid it out, else a document of its
-- own. What a write-off entry wrote off is none of them.
with totals as (
    select
        entity_id,
        voucher_no,
        source_customer_id,
        currency_code,
        debit_id,
        debit_kind,
        credit_id,
        credit_kind,
        max(method) as method,
        max(reference) as reference,
        min(posting_date) as item_date,
        coalesce(-sum(case when settled_id is not null then amount end), 0) as settling_amount,
        coalesce(sum(case when settled_id is null then amount end), 0) as own_amount,
        sum(abs(company_amount)) / sum(abs(amount)) as rate,
        min(known_at) as known_at
    from {{ ref('stg_erpnext__ledger_lines') }}
    where voucher_type <> 'Sales Invoice'
    group by
        entity_id,
        voucher_no,
        source_customer_id,
        currency_code,
        debit_id,
        debit_kind,
        credit_id,
        credit_kind
),

written_off as (
    select
        entity_id,
        credit_id,
        sum(amount) as amount
    from {{ ref('stg_erpnext__settlements') }}
    where is_write_off
    group by entity_id, credit_id
),

sides as (
    select
        totals.*,
        'credit' as side,
        credit_id as item_id,
        credit_kind as item_kind,
        greatest(settling_amount, 0) + greatest(-own_amount, 0) as amount
    from totals
    union all
    select
        totals.*,
        'debit' as side,
        debit_id as item_id,
        debit_kind as item_kind,
        greatest(-settling_amount, 0) + greatest(own_amount, 0) as amount
    from totals
),

final as (
    select
        {{ surrogate_key(['sides.entity_id', 'sides.item_kind', 'sides.item_id']) }}
            as record_key,
        sides.entity_id,
        sides.item_kind,
        sides.item_id,
        sides.side,
        sides.voucher_no,
        sides.source_customer_id,
        sides.item_date,
        sides.currency_code,
        sides.amount - coalesce(written_off.amount, 0) as amount,
        case
            when sides.currency_code = entities.base_currency then 1
            else round(sides.rate, 12)
        end as exchange_rate,
        sides.method,
        sides.reference,
        sides.known_at
    from sides
    inner join {{ ref('stg_erpnext__entities') }} as entities
        on sides.entity_id = entities.entity_id
    left join written_off
        on
            sides.side = 'credit'
            and sides.entity_id = written_off.entity_id
            and sides.item_id = written_off.credit_id
    where sides.amount > coalesce(written_off.amount, 0)
)

select * from final
