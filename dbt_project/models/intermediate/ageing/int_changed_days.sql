-- grain: one row per kind of fact and business day on which this build and the publication before
-- it do not rest on the same facts
-- Of the customers that are worked out anew the facts of both are compared, day by day; what holds
-- for all customers is compared by the numbers that are published of it. A fact stands on the first
-- day that it can matter to; what ends stands on the day of its end as well, so that closing a
-- dispute today leaves the past alone. Where nothing may be carried over, what holds for every day
-- counts as changed (warehouse/previous.py).
with items as (
    select
        1 as side,
        open_item_id,
        item_key as document_id,
        source,
        entity_id,
        customer_id,
        item_type,
        origin,
        instalment_no,
        is_split,
        document_number,
        issue_date,
        booking_date,
        due_date,
        currency_code,
        original_amount,
        exchange_rate,
        company_currency_code,
        company_minor_units,
        ledger_account,
        is_doubtful
    from {{ ref('int_items') }}
    where {{ something_is_carried() }}
    union all
    select
        -1 as side,
        published.open_item_id,
        published.document_id,
        published.source,
        published.entity_id,
        published.customer_id,
        published.item_type,
        published.origin,
        published.instalment_no,
        published.is_split,
        published.document_number,
        published.issue_date,
        published.booking_date,
        published.due_date,
        published.currency_code,
        published.original_amount,
        published.exchange_rate,
        published.company_currency_code,
        published.company_minor_units,
        published.ledger_account,
        published.is_doubtful
    from {{ source('previous', 'carried_fct_items') }} as published
    where {{ is_worked_out_anew('published') }}
),

movements as (
    select
        1 as side,
        open_item_id,
        customer_id,
        movement_date,
        movement_type,
        amount,
        company_amount
    from {{ ref('int_receivable_movements') }}
    where {{ something_is_carried() }}
    union all
    select
        -1 as side,
        published.open_item_id,
        published.customer_id,
        published.movement_date,
        published.movement_type,
        published.amount,
        published.company_amount
    from {{ source('previous', 'carried_fct_receivable_movements') }} as published
    where {{ is_worked_out_anew('published') }}
),

settlements as (
    select
        1 as side,
        settlement_id,
        settlement_type,
        credit_key as credit_item_id,
        open_item_id,
        customer_id,
        effective_date,
        in_force_from,
        in_force_to,
        amount,
        company_amount
    from {{ ref('int_invoice_settlements') }}
    where {{ something_is_carried() }}
    union all
    select
        -1 as side,
        published.settlement_id,
        published.settlement_type,
        published.credit_item_id,
        published.open_item_id,
        published.customer_id,
        published.effective_date,
        published.in_force_from,
        published.in_force_to,
        published.amount,
        published.company_amount
    from {{ source('previous', 'carried_fct_invoice_settlements') }} as published
    where {{ is_worked_out_anew('published') }}
),

documents as (
    select
        1 as side,
        document_key as document_id,
        entity_id,
        customer_id,
        document_type,
        credited_document_key as credited_document_id,
        booking_date,
        amount_incl_tax,
        amount_excl_tax,
        exchange_rate,
        counts_as_revenue
    from {{ ref('int_documents') }}
    where {{ something_is_carried() }}
    union all
    select
        -1 as side,
        published.document_id,
        published.entity_id,
        published.customer_id,
        published.document_type,
        published.credited_document_id,
        published.booking_date,
        published.amount_incl_tax,
        published.amount_excl_tax,
        published.exchange_rate,
        published.counts_as_revenue
    from {{ source('previous', 'carried_fct_documents') }} as published
    where {{ is_worked_out_anew('published') }}
),

states as (
    select
        1 as side,
        state_id,
        item_key as document_id,
        customer_id,
        state_type,
        amount,
        opened_on,
        closed_on
    from {{ ref('int_item_states') }}
    where {{ something_is_carried() }}
    union all
    select
        -1 as side,
        published.state_id,
        published.document_id,
        published.customer_id,
        published.state_type,
        published.amount,
        published.opened_on,
        published.closed_on
    from {{ source('previous', 'carried_fct_item_states') }} as published
    where {{ is_worked_out_anew('published') }}
),

-- Of a document of which an attribute came or went, all of it counts as changed.
changed_attributes as (
    select document_id
    from (
        select
            1 as side,
            attributes.document_id,
            attributes.attribute,
            attributes.value
        from {{ ref('document_attributes') }} as attributes
        where {{ something_is_carried() }} and {{ is_worked_out_anew('attributes') }}
        union all
        select
            -1 as side,
            published.document_id,
            published.attribute,
            published.value
        from {{ source('previous', 'carried_document_attributes') }} as published
        where {{ is_worked_out_anew('published') }}
    ) as sides
    group by document_id, attribute, value
    having sum(side) <> 0
),

-- The scopes of a customer hold from its first item on.
changed_customer_rows as (
    select customers.customer_id
    from {{ ref('customer_digests') }} as digests
    full outer join {{ source('previous', 'carried_customer_digests') }} as published
        using (source, entity_id, source_customer_id, stream)
    inner join {{ ref('int_changed_customers') }} as customers
        using (source, entity_id, source_customer_id)
    where stream = 'customers' and digests.digest is distinct from published.digest
),

compared_facts as (
    select
        'item' as fact_type,
        side,
        booking_date as business_date,
        {{ row_digest([
            'open_item_id', 'document_id', 'source', 'entity_id', 'customer_id',
            'item_type', 'origin', 'instalment_no', 'is_split', 'document_number',
            'issue_date', 'due_date', 'currency_code', 'original_amount',
            'exchange_rate', 'company_currency_code', 'company_minor_units',
            'ledger_account', 'is_doubtful'
        ]) }} as digest
    from items
    union all
    select
        'movement' as fact_type,
        side,
        movement_date as business_date,
        {{ row_digest([
            'open_item_id', 'customer_id', 'movement_type', 'amount', 'company_amount'
        ]) }} as digest
    from movements
    union all
    select
        'settlement' as fact_type,
        side,
        in_force_from as business_date,
        {{ row_digest([
            'settlement_id', 'settlement_type', 'credit_item_id', 'open_item_id',
            'effective_date', 'amount', 'company_amount'
        ]) }} as digest
    from settlements
    union all
    select
        'settlement_end' as fact_type,
        side,
        in_force_to as business_date,
        {{ row_digest([
            'settlement_id', 'settlement_type', 'credit_item_id', 'open_item_id',
            'effective_date', 'in_force_from', 'amount', 'company_amount'
        ]) }} as digest
    from settlements
    where in_force_to is not null
    union all
    select
        'revenue' as fact_type,
        side,
        booking_date as business_date,
        {{ row_digest([
            'document_id', 'entity_id', 'customer_id', 'document_type',
            'credited_document_id', 'amount_incl_tax', 'amount_excl_tax',
            'exchange_rate', 'counts_as_revenue'
        ]) }} as digest
    from documents
    union all
    select
        'state' as fact_type,
        side,
        opened_on as business_date,
        {{ row_digest(['state_id', 'document_id', 'state_type', 'amount']) }} as digest
    from states
    union all
    select
        'state_end' as fact_type,
        side,
        closed_on as business_date,
        {{ row_digest(['state_id', 'document_id', 'state_type', 'amount', 'opened_on']) }} as digest
    from states
    where closed_on is not null
),

changed_facts as (
    select
        fact_type,
        business_date
    from compared_facts
    group by fact_type, business_date
    having sum(side) <> 0 or sum(side * cast(digest as numeric)) <> 0
),

final as (
    select
        fact_type,
        business_date
    from changed_facts
    union
    select
        'document_attribute' as fact_type,
        documents.booking_date as business_date
    from documents
    inner join changed_attributes
        on documents.document_id = changed_attributes.document_id
    union
    select
        'customer' as fact_type,
        items.booking_date as business_date
    from items
    inner join changed_customer_rows
        on items.customer_id = changed_customer_rows.customer_id
    union
    select
        fact_type,
        business_date
    from {{ ref('day_digests') }} as digests
    full outer join {{ source('previous', 'day_digests') }} as previous_digests
        using (fact_type, business_date)
    where
        digests.digest is distinct from previous_digests.digest
        or digests.fact_count is distinct from previous_digests.fact_count
)

select * from final
