-- grain: one row per open item and interval of days on which its open amount did not change
-- Only what is open has a position: `valid_from <= D and (valid_to is null or valid_to > D)`
-- gives the open items of any past day D by one read.
with final as (
    select
        open_item_id,
        entity_id,
        customer_id,
        item_type,
        issue_date,
        due_date,
        valid_from,
        valid_to,
        currency_code,
        open_amount,
        company_currency_code,
        open_company_amount
    from {{ ref('int_open_item_positions') }}
    union all
    select
        published.open_item_id,
        published.entity_id,
        published.customer_id,
        published.item_type,
        published.issue_date,
        published.due_date,
        published.valid_from,
        published.valid_to,
        published.currency_code,
        published.open_amount,
        published.company_currency_code,
        published.open_company_amount
    from {{ source('previous', 'carried_fct_open_item_positions') }} as published
    where {{ is_carried('published') }}
)

select * from final
