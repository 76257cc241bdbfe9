-- grain: one row per item open at the as-of date that something settled, or that a payment will
-- What is open at the date is a small part of what ever was, and every settlement is read once: it
-- meets the open items before anything is added up. Of customers of whom nothing changed, what was
-- published says it.
with open_items as (
    select
        items.open_item_id,
        items.item_key,
        items.item_type,
        items.instalment_no,
        items.is_split
    from {{ ref('fct_open_item_positions') }} as positions
    inner join {{ ref('int_items') }} as items
        on positions.open_item_id = items.open_item_id
    where positions.valid_to is null
),

open_credits as (
    select
        open_item_id,
        item_key
    from open_items
    where item_type in ('credit_note', 'payment')
),

open_refunds as (
    select
        open_item_id,
        item_key
    from open_items
    where item_type = 'refund'
),

-- Settlements in force at the as-of date, and payments that come after it. What is known to be
-- reversed later is no payment to come.
known_settlements as (
    select
        settlement_id,
        settlement_type,
        credit_key,
        debit_key,
        amount,
        effective_date > {{ as_of_date() }} as is_to_come
    from {{ ref('int_settlements') }}
    where
        (
            effective_date <= {{ as_of_date() }}
            and (reversed_on is null or reversed_on > {{ as_of_date() }})
        )
        or (
            effective_date > {{ as_of_date() }}
            and reversed_on is null
            and settlement_type = 'payment'
        )
),

-- Credits and refunds are never split, so their keys are unique.
settlements as (
    select
        known_settlements.settlement_id,
        known_settlements.settlement_type,
        known_settlements.debit_key,
        known_settlements.amount,
        known_settlements.is_to_come,
        open_credits.open_item_id as credit_item_id,
        open_refunds.open_item_id as refund_item_id
    from known_settlements
    left join open_credits
        on known_settlements.credit_key = open_credits.item_key
    left join open_refunds
        on known_settlements.debit_key = open_refunds.item_key
    where
        known_settlements.is_to_come
        or open_credits.item_key is not null
        or open_refunds.item_key is not null
),

parts as (
    select
        open_items.open_item_id,
        invoice_settlements.settlement_type,
        invoice_settlements.amount,
        invoice_settlements.in_force_to is null as is_in_force,
        false as is_to_come,
        -- Kept when the payment was reversed.
        case
            when invoice_settlements.settlement_type = 'payment'
                then invoice_settlements.effective_date
        end as paid_on
    from {{ ref('int_invoice_settlements') }} as invoice_settlements
    inner join open_items
        on invoice_settlements.open_item_id = open_items.open_item_id
    union all
    select
        credit_item_id as open_item_id,
        settlement_type,
        -amount as amount,
        true as is_in_force,
        false as is_to_come,
        cast(null as date) as paid_on
    from settlements
    where credit_item_id is not null and not is_to_come
    union all
    select
        refund_item_id as open_item_id,
        settlement_type,
        amount,
        true as is_in_force,
        false as is_to_come,
        cast(null as date) as paid_on
    from settlements
    where refund_item_id is not null
    union all
    select
        open_items.open_item_id,
        settlements.settlement_type,
        settlements.amount,
        false as is_in_force,
        true as is_to_come,
        cast(null as date) as paid_on
    from settlements
    inner join open_items
        on
            settlements.debit_key = open_items.item_key
            and not open_items.is_split
    where settlements.is_to_come
    union all
    -- On the instalments that the payment closes on its day.
    select
        open_items.open_item_id,
        settlements.settlement_type,
        instalment_settlements.amount,
        false as is_in_force,
        true as is_to_come,
        cast(null as date) as paid_on
    from settlements
    inner join {{ ref('int_instalment_settlements') }} as instalment_settlements
        on
            settlements.settlement_id = instalment_settlements.settlement_id
            and settlements.debit_key = instalment_settlements.debit_key
    inner join open_items
        on
            instalment_settlements.debit_key = open_items.item_key
            and instalment_settlements.instalment_no = open_items.instalment_no
            and open_items.is_split
    where settlements.is_to_come
),

-- A refund is money as well: it is paid, by whichever side it is looked at.
final as (
    select
        open_item_id,
        sum(
            case
                when is_in_force and settlement_type in ('payment', 'refund') then amount
                else 0
            end
        ) as paid_amount,
        sum(case when is_in_force and settlement_type = 'credit_note' then amount else 0 end)
            as credited_amount,
        sum(case when is_in_force and settlement_type = 'write_off' then amount else 0 end)
            as written_off_amount,
        sum(case when is_to_come then amount else 0 end) as paid_after_asof_amount,
        min(paid_on) as first_paid_on
    from parts
    group by open_item_id
    union all
    select
        published.open_item_id,
        published.paid_amount,
        published.credited_amount,
        published.written_off_amount,
        published.paid_after_asof_amount,
        published.first_paid_on
    from {{ source('previous', 'carried_fct_open_items') }} as published
    where {{ is_carried('published') }}
)

select * from final
