-- grain: one row per document and bank transaction matched with it, as known on `known_on`
-- A reading of a document lists all its transactions: the latest list stands, and a pair is known
-- since the first list that names it. Archived transactions are out of the books.
with versions as (
    select
        version_no,
        replaced_version,
        entity_id,
        record_key as source_document_id,
        payload,
        extracted_at,
        is_deleted
    from {{ source('raw_pennylane', 'matched_transactions') }}
    where extracted_at <= {{ known_on() }}
),

listed as (
    select
        versions.version_no,
        versions.entity_id,
        versions.source_document_id,
        versions.extracted_at,
        elements.value as bank_transaction
    from versions
    cross join lateral
        {{ json_elements(json_part('versions.payload', 'transactions')) }} as elements (value)
    where not versions.is_deleted
),

first_named as (
    select
        entity_id,
        source_document_id,
        {{ json_text('bank_transaction', 'id') }} as source_transaction_id,
        min(extracted_at) as known_at
    from listed
    group by entity_id, source_document_id, {{ json_text('bank_transaction', 'id') }}
),

replaced_versions as (
    select replaced_version
    from versions
    where replaced_version is not null
),

latest as (
    select
        entity_id,
        source_document_id,
        {{ json_text('bank_transaction', 'id') }} as source_transaction_id,
        bank_transaction
    from listed
    where
        not exists (
            select 1
            from replaced_versions
            where replaced_versions.replaced_version = listed.version_no
        )
),

final as (
    select
        {{ surrogate_key([
            'latest.entity_id', 'latest.source_document_id', 'latest.source_transaction_id'
        ]) }}
            as record_key,
        latest.entity_id,
        latest.source_document_id,
        latest.source_transaction_id,
        cast({{ json_text('latest.bank_transaction', 'date') }} as date) as transaction_date,
        -- A transaction without a currency has its amount in euros.
        coalesce({{ json_text('latest.bank_transaction', 'currency') }}, 'EUR') as currency_code,
        case
            when {{ json_text('latest.bank_transaction', 'currency') }} is null
                then cast({{ json_text('latest.bank_transaction', 'amount') }} as numeric)
            else cast({{ json_text('latest.bank_transaction', 'currency_amount') }} as numeric)
        end as signed_amount,
        cast({{ json_text('latest.bank_transaction', 'amount') }} as numeric)
            as signed_company_amount,
        {{ json_text('latest.bank_transaction', 'label') }} as label,
        first_named.known_at
    from latest
    inner join first_named
        on
            latest.entity_id = first_named.entity_id
            and latest.source_document_id = first_named.source_document_id
            and latest.source_transaction_id = first_named.source_transaction_id
    where {{ json_text('latest.bank_transaction', 'archived_at') }} is null
)

select * from final
