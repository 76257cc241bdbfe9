-- grain: one row per as_of_date, entity, customer and status
-- litigation > collection > disputed > overdue > not due; a partial dispute splits the item.
-- What is disputed is told by the document's currency: a small amount may be nothing in the
-- company's.
with parts as (
    select
        as_of_date,
        entity_id,
        customer_id,
        company_currency_code,
        'disputed' as status,
        disputed_company_amount as open_company_amount
    from {{ ref('int_aged_items') }}
    where collection_stage is null and disputed_amount <> 0
    union all
    select
        as_of_date,
        entity_id,
        customer_id,
        company_currency_code,
        case
            when item_type <> 'invoice' then 'unapplied_credit'
            when collection_stage is not null then collection_stage
            when days_overdue > 0 then 'overdue'
            else 'not_due'
        end as status,
        case
            when collection_stage is null then open_company_amount - disputed_company_amount
            else open_company_amount
        end as open_company_amount
    from {{ ref('int_aged_items') }}
    where
        collection_stage is not null
        or open_amount <> disputed_amount
),

final as (
    select
        as_of_date,
        entity_id,
        customer_id,
        status,
        company_currency_code,
        sum(open_company_amount) as open_company_amount,
        count(*) as item_count
    from parts
    group by as_of_date, entity_id, customer_id, status, company_currency_code
)

select * from final
