-- grain: one row per customer, those that only the ledger names included
with third_parties as (
    select
        entity_id,
        trim(record_key) as source_customer_id,
        nullif(trim({{ json_text('payload', 'CT_Intitule') }}), '') as customer_name,
        {{ siren_of_registry(json_text('payload', 'CT_Siret')) }} as siren,
        nullif(trim({{ json_text('payload', 'CT_Identifiant') }}), '') as vat_number,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_100', 'customers') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_100', 'customers')) }}
        and not is_deleted
),

-- A supplier may stand on a customer's account, and a line may name nobody.
named_ids as (
    select
        entity_id,
        source_customer_id
    from {{ ref('stg_sage_100__receivable_lines') }}
    union
    select
        entity_id,
        source_customer_id
    from third_parties
),

final as (
    select
        {{ surrogate_key(['named_ids.entity_id', 'named_ids.source_customer_id']) }}
            as record_key,
        cast(null as integer) as line_no,
        named_ids.entity_id,
        named_ids.source_customer_id,
        coalesce(third_parties.customer_name, named_ids.source_customer_id) as customer_name,
        third_parties.siren,
        third_parties.vat_number,
        cast(null as text) as country_code,
        cast(null as text) as sector,
        cast(null as text) as region,
        cast(null as text) as size_band,
        cast(null as text) as payment_terms,
        cast(null as text) as portfolio,
        cast(null as text) as source_parent_customer_id,
        cast(null as numeric) as credit_limit_amount,
        {{ json_object('null') }} as custom_attributes,
        third_parties.known_at
    from named_ids
    left join third_parties
        on
            named_ids.entity_id = third_parties.entity_id
            and named_ids.source_customer_id = third_parties.source_customer_id
)

select * from final
