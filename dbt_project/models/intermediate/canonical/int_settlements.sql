-- grain: one row per settlement of a debit: allocation or write-off, before instalments are chosen
with settlements as (
    select
        allocation_id as settlement_id,
        credit_key,
        debit_key,
        instalment_no,
        amount,
        effective_date,
        reversed_on,
        is_estimated,
        known_at
    from {{ ref('int_allocations_checked') }}
    where refused_reason is null
    union all
    select
        allocations.allocation_id as settlement_id,
        allocations.credit_line_key as credit_key,
        allocations.debit_line_key as debit_key,
        cast(null as integer) as instalment_no,
        allocations.amount,
        allocations.effective_date,
        cast(null as date) as reversed_on,
        allocations.is_estimated,
        allocations.known_at
    from {{ ref('int_ledger_allocations') }} as allocations
    -- The books of a ledger are worked out whole or not at all.
    inner join (
        select distinct entity_id
        from {{ ref('int_changed_customers') }}
        where source_customer_id = ''
    ) as changed_books
        on allocations.entity_id = changed_books.entity_id
    union all
    select
        write_off_id as settlement_id,
        cast(null as text) as credit_key,
        document_key as debit_key,
        instalment_no,
        amount,
        write_off_date as effective_date,
        cast(null as date) as reversed_on,
        false as is_estimated,
        known_at
    from {{ ref('int_write_offs_checked') }}
    where refused_reason is null
),

credit_items as (
    select
        item_key,
        item_type,
        origin
    from {{ ref('int_items') }}
    where item_type in ('credit_note', 'payment')
),

refunds as (
    select payment_key
    from {{ ref('int_payments') }}
    where item_type = 'refund'
),

final as (
    select
        settlements.settlement_id,
        settlements.credit_key,
        settlements.debit_key,
        settlements.instalment_no,
        settlements.amount,
        settlements.effective_date,
        settlements.reversed_on,
        settlements.is_estimated,
        settlements.known_at,
        case
            when refunds.payment_key is not null then 'refund'
            when settlements.credit_key is null or credit_items.origin = 'write_off'
                then 'write_off'
            else credit_items.item_type
        end as settlement_type
    from settlements
    left join credit_items
        on settlements.credit_key = credit_items.item_key
    left join refunds
        on settlements.debit_key = refunds.payment_key
)

select * from final
