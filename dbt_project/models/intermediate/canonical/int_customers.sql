-- grain: one row per customer
with given_customers as (
    select
        source,
        entity_id,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount
    from {{ ref('int_gathered_customers') }}
),

entities_with_customers as (
    select distinct
        source,
        entity_id
    from given_customers
),

-- Without customers, they are those that the documents and payments of the source name.
implied_customers as (
    select distinct
        digests.source,
        digests.entity_id,
        digests.source_customer_id
    from {{ ref('int_stream_digests') }} as digests
    left join entities_with_customers
        on
            digests.source = entities_with_customers.source
            and digests.entity_id = entities_with_customers.entity_id
    where
        digests.stream in ('documents', 'payments')
        and digests.source_customer_id <> ''
        and entities_with_customers.entity_id is null
),

-- A ledger names the customers of its lines; the tool that keeps it may say more of them.
ledger_names as (
    select
        source,
        entity_id,
        source_customer_id,
        customer_name,
        row_number() over (
            partition by source, entity_id, source_customer_id
            order by entry_date desc, closing_date desc, part desc, line_no desc
        ) as name_rank
    from {{ ref('int_ledger_receivable_lines') }}
),

all_customers as (
    select
        source,
        entity_id,
        source_customer_id,
        coalesce(customer_name, source_customer_id) as customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        source_parent_customer_id,
        credit_limit_amount
    from given_customers
    union all
    select
        source,
        entity_id,
        source_customer_id,
        source_customer_id as customer_name,
        null as siren,
        null as vat_number,
        null as country_code,
        null as sector,
        null as region,
        null as size_band,
        null as payment_terms,
        null as portfolio,
        null as source_parent_customer_id,
        null as credit_limit_amount
    from implied_customers
    union all
    select
        ledger_names.source,
        ledger_names.entity_id,
        ledger_names.source_customer_id,
        ledger_names.customer_name,
        null as siren,
        null as vat_number,
        null as country_code,
        null as sector,
        null as region,
        null as size_band,
        null as payment_terms,
        null as portfolio,
        null as source_parent_customer_id,
        null as credit_limit_amount
    from ledger_names
    left join given_customers
        on
            ledger_names.source = given_customers.source
            and ledger_names.entity_id = given_customers.entity_id
            and ledger_names.source_customer_id = given_customers.source_customer_id
    where
        ledger_names.name_rank = 1
        and given_customers.source_customer_id is null
),

final as (
    select
        {{ surrogate_key(['source', 'entity_id', 'source_customer_id']) }} as customer_id,
        entity_id,
        source,
        source_customer_id,
        customer_name,
        siren,
        vat_number,
        country_code,
        sector,
        region,
        size_band,
        payment_terms,
        portfolio,
        case
            when source_parent_customer_id is not null
                then {{ surrogate_key(['source', 'entity_id', 'source_parent_customer_id']) }}
        end as parent_customer_id,
        credit_limit_amount
    from all_customers
)

select * from final
