-- grain: one row per dispute, collection case or promise on a document, as an interval of days
with final as (
    select
        state_id,
        source_state_id,
        entity_id,
        item_key as document_id,
        customer_id,
        state_type,
        currency_code,
        amount,
        opened_on,
        closed_on,
        promised_date
    from {{ ref('int_item_states') }}
    union all
    select
        published.state_id,
        published.source_state_id,
        published.entity_id,
        published.document_id,
        published.customer_id,
        published.state_type,
        published.currency_code,
        published.amount,
        published.opened_on,
        published.closed_on,
        published.promised_date
    from {{ source('previous', 'carried_fct_item_states') }} as published
    where {{ is_carried('published') }}
)

select * from final
