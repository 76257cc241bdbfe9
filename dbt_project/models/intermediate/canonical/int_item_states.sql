-- grain: one row per dispute, collection case or promise on a document, as an interval of days
with final as (
    select
        {{ surrogate_key(['source', 'entity_id', 'stream', 'source_state_id']) }} as state_id,
        source_state_id,
        entity_id,
        document_key as item_key,
        customer_id,
        state_type,
        currency_code,
        amount,
        opened_on,
        closed_on,
        promised_date
    from {{ ref('int_states_checked') }}
    where refused_reason is null
)

select * from final
