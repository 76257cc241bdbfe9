-- grain: one row per third party that is a customer or was invoiced
with latest as (
    select
        entity_id,
        record_key as source_customer_id,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_dolibarr', 'thirdparties') }} as versions
    where
        {{ is_latest_known('versions', source('raw_dolibarr', 'thirdparties')) }}
        and not is_deleted
),

invoiced as (
    select
        entity_id,
        source_customer_id
    from {{ ref('stg_dolibarr__invoices') }}
    group by entity_id, source_customer_id
),

-- `client`: 1 a customer, 3 a customer and prospect; 0 and 2 may have been customers once.
customers as (
    select latest.*
    from latest
    left join invoiced
        on
            latest.entity_id = invoiced.entity_id
            and latest.source_customer_id = invoiced.source_customer_id
    where
        {{ json_text('latest.payload', 'client') }} in ('1', '3')
        or invoiced.source_customer_id is not null
),

final as (
    select
        {{ surrogate_key(['customers.entity_id', 'customers.source_customer_id']) }}
            as record_key,
        cast(null as integer) as line_no,
        customers.entity_id,
        customers.source_customer_id,
        {{ json_text('customers.payload', 'name') }} as customer_name,
        -- The first professional id is the SIREN in France, and another number elsewhere.
        case
            when
                coalesce({{ json_text('customers.payload', 'country_code') }}, 'FR') = 'FR'
                and length(replace({{ json_text('customers.payload', 'idprof1') }}, ' ', '')) = 9
                then replace({{ json_text('customers.payload', 'idprof1') }}, ' ', '')
        end as siren,
        nullif({{ json_text('customers.payload', 'tva_intra') }}, '') as vat_number,
        nullif({{ json_text('customers.payload', 'country_code') }}, '') as country_code,
        cast(null as text) as sector,
        cast(null as text) as region,
        cast(null as text) as size_band,
        -- Third parties name their terms by an id; each invoice has its own due date.
        cast(null as text) as payment_terms,
        cast(null as text) as portfolio,
        parents.source_customer_id as source_parent_customer_id,
        {{ dolibarr_amount('customers.payload', 'outstanding_limit') }} as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        customers.known_at
    from customers
    left join customers as parents
        on
            customers.entity_id = parents.entity_id
            and {{ json_text('customers.payload', 'parent') }} = parents.source_customer_id
)

select * from final
