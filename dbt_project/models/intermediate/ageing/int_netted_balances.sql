-- grain: one row per as_of_date, basis, customer, currency and bucket, where credits are netted
-- Under unapplied = oldest_first, what credits leave open is taken off the oldest bucket of the
-- customer in its currency, then off the next; what exceeds them all stays unapplied_credit. A
-- bucket that was used up keeps its items, at zero. A total never changes.
with balances as (
    select *
    from {{ ref('int_aged_balances') }}
    where is_netted
),

-- Refunds that exceed the credits are a debt: nothing to take off.
credits as (
    select
        as_of_date,
        basis,
        customer_id,
        currency_code,
        -open_amount as credit_amount,
        -open_company_amount as credit_company_amount
    from balances
    where bucket = 'unapplied_credit' and open_amount < 0
),

reached as (
    select
        balances.as_of_date,
        balances.basis,
        balances.customer_id,
        balances.currency_code,
        balances.bucket,
        balances.bucket_order,
        credits.credit_amount,
        credits.credit_company_amount,
        entities.minor_units,
        least(
            credits.credit_amount,
            sum(balances.open_amount) over (
                partition by
                    balances.as_of_date,
                    balances.basis,
                    balances.customer_id,
                    balances.currency_code
                order by balances.bucket_order desc
            )
        ) as used_amount
    from balances
    inner join credits
        on
            balances.as_of_date = credits.as_of_date
            and balances.basis = credits.basis
            and balances.customer_id = credits.customer_id
            and balances.currency_code = credits.currency_code
    inner join {{ ref('int_entities') }} as entities
        on balances.entity_id = entities.entity_id
    where balances.bucket <> 'unapplied_credit'
),

-- The company amount of the credit follows its amount; rounded on the running sum, so that the
-- whole credit takes the whole of it.
converted as (
    select
        reached.*,
        round(credit_company_amount * used_amount / credit_amount, minor_units)
            as used_company_amount
    from reached
),

taken as (
    select
        as_of_date,
        basis,
        customer_id,
        currency_code,
        bucket,
        used_amount - coalesce(lag(used_amount) over oldest_first, 0) as taken_amount,
        used_company_amount - coalesce(lag(used_company_amount) over oldest_first, 0)
            as taken_company_amount
    from converted
    window oldest_first as (
        partition by as_of_date, basis, customer_id, currency_code
        order by bucket_order desc
    )
),

-- The credit itself gives up what the buckets take.
moved as (
    select
        as_of_date,
        basis,
        customer_id,
        currency_code,
        bucket,
        -taken_amount as moved_amount,
        -taken_company_amount as moved_company_amount
    from taken
    union all
    select
        as_of_date,
        basis,
        customer_id,
        currency_code,
        'unapplied_credit' as bucket,
        sum(taken_amount) as moved_amount,
        sum(taken_company_amount) as moved_company_amount
    from taken
    group by as_of_date, basis, customer_id, currency_code
),

final as (
    select
        balances.as_of_date,
        balances.basis,
        balances.entity_id,
        balances.customer_id,
        balances.currency_code,
        balances.bucket,
        balances.bucket_order,
        balances.open_amount + coalesce(moved.moved_amount, 0) as open_amount,
        balances.company_currency_code,
        balances.open_company_amount + coalesce(moved.moved_company_amount, 0)
            as open_company_amount,
        balances.item_count
    from balances
    left join moved
        on
            balances.as_of_date = moved.as_of_date
            and balances.basis = moved.basis
            and balances.customer_id = moved.customer_id
            and balances.currency_code = moved.currency_code
            and balances.bucket = moved.bucket
)

select * from final
