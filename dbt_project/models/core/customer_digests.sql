-- grain: one row per source, entity, customer and stream
-- What the items of a customer follow from, as one number per stream: where two builds have the
-- same numbers of a customer, its items are the same (int_changed_customers). An empty key stands
-- for all: what a ledger says concerns every customer of its books, for its entries are matched by
-- account, and a policy of an entity all of its customers.
with ledger_lines as (
    select
        source,
        entity_id,
        source_customer_id,
        entry_date,
        {{ row_digest([
            'line_key', 'source_customer_id', 'source_document_id', 'piece_ref', 'item_type',
            'origin', 'document_date', 'entry_date', 'due_date', 'signed_amount',
            'amount_excl_tax', 'counts_as_revenue', 'ledger_account', 'is_doubtful',
            'is_carried_forward'
        ]) }} as digest
    from {{ ref('int_ledger_receivable_lines') }}
),

final as (
    select
        source,
        entity_id,
        source_customer_id,
        stream,
        last_effect_date,
        digest
    from {{ ref('int_stream_digests') }}
    union all
    -- Whether it names its customers decides whether those of its documents are known.
    select
        source,
        entity_id,
        '' as source_customer_id,
        'customers' as stream,
        cast(null as date) as last_effect_date,
        cast(1 as numeric) as digest
    from {{ ref('int_stream_digests') }}
    where stream = 'customers'
    group by source, entity_id
    union all
    -- Under the customer only that there is one.
    select
        source,
        entity_id,
        source_customer_id,
        'ledger_lines' as stream,
        cast(null as date) as last_effect_date,
        cast(0 as numeric) as digest
    from ledger_lines
    group by source, entity_id, source_customer_id
    union all
    select
        '' as source,
        entity_id,
        '' as source_customer_id,
        'ledger_lines' as stream,
        max(entry_date) as last_effect_date,
        sum(digest) as digest
    from ledger_lines
    group by entity_id
    union all
    select
        '' as source,
        entity_id,
        '' as source_customer_id,
        'ledger_allocations' as stream,
        max(effective_date) as last_effect_date,
        sum({{ row_digest(['allocation_id', 'amount', 'effective_date', 'is_estimated']) }})
            as digest
    from {{ ref('int_ledger_allocations') }}
    group by entity_id
    union all
    select
        '' as source,
        entity_id,
        '' as source_customer_id,
        'entities' as stream,
        cast(null as date) as last_effect_date,
        sum({{ row_digest(['base_currency', 'minor_units']) }}) as digest
    from {{ ref('int_entities') }}
    group by entity_id
    union all
    select
        '' as source,
        entity_id,
        '' as source_customer_id,
        'policies' as stream,
        cast(null as date) as last_effect_date,
        sum({{ row_digest(['policy', 'policy_value']) }}) as digest
    from {{ ref('int_policies') }}
    group by entity_id
)

select * from final
