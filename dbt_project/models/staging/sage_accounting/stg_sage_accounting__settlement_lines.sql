-- grain: one row per document or payment on account that a payment or an allocation names
-- An artefact is a document or what a payment left on account. A receipt names invoices and credit
-- notes, a refund credit notes or what a receipt left on account, an allocation both sides, with a
-- minus before the credits. What an artefact is tells its side where it is known, else the sign.
with versions as (
    select
        'payment' as settlement_type,
        version_no,
        replaced_version,
        entity_id,
        record_key,
        payload,
        is_deleted,
        extracted_at
    from {{ source('raw_sage_accounting', 'contact_payments') }}
    where extracted_at <= {{ known_on() }}
    union all
    select
        'allocation' as settlement_type,
        version_no,
        replaced_version,
        entity_id,
        record_key,
        payload,
        is_deleted,
        extracted_at
    from {{ source('raw_sage_accounting', 'contact_allocations') }}
    where extracted_at <= {{ known_on() }}
),

replaced_versions as (
    select
        settlement_type,
        replaced_version
    from versions
    where replaced_version is not null
),

-- Of all versions, to find when a line was first there.
version_lines as (
    select
        versions.settlement_type,
        versions.version_no,
        versions.entity_id,
        versions.record_key,
        versions.extracted_at,
        {{ json_text(json_part('versions.payload', 'transaction_type'), 'id') }}
            as transaction_type,
        cast({{ json_text('versions.payload', 'date') }} as date) as settlement_date,
        {{ json_text(json_part('lines.line', 'artefact'), 'id') }} as artefact_id,
        cast({{ json_text('lines.line', 'amount') }} as numeric) as signed_amount,
        cast({{ json_text('lines.line', 'discount') }} as numeric) as discount_amount
    from versions
    cross join lateral
        {{ json_elements(json_part('versions.payload', 'allocated_artefacts')) }} as lines (line)
    where not versions.is_deleted
),

first_seen as (
    select
        settlement_type,
        entity_id,
        record_key,
        artefact_id,
        min(extracted_at) as known_at
    from version_lines
    group by settlement_type, entity_id, record_key, artefact_id
),

lines as (
    select
        version_lines.settlement_type,
        version_lines.entity_id,
        version_lines.record_key as settlement_id,
        version_lines.artefact_id,
        max(version_lines.transaction_type) as transaction_type,
        max(version_lines.settlement_date) as settlement_date,
        sum(version_lines.signed_amount) as signed_amount,
        -- No discount is told where there is none.
        sum(coalesce(version_lines.discount_amount, 0)) as discount_amount
    from version_lines
    where
        not exists (
            select 1
            from replaced_versions
            where
                replaced_versions.settlement_type = version_lines.settlement_type
                and replaced_versions.replaced_version = version_lines.version_no
        )
    group by
        version_lines.settlement_type,
        version_lines.entity_id,
        version_lines.record_key,
        version_lines.artefact_id
),

payments_on_account as (
    select
        versions.entity_id,
        versions.record_key as payment_id,
        {{ json_text(json_part('versions.payload', 'payment_on_account'), 'id') }} as artefact_id,
        row_number() over (
            partition by
                versions.entity_id,
                {{ json_text(json_part('versions.payload', 'payment_on_account'), 'id') }}
            order by versions.version_no desc
        ) as version_rank
    from versions
    where
        versions.settlement_type = 'payment'
        and {{ json_text(json_part('versions.payload', 'payment_on_account'), 'id') }} is not null
),

named as (
    select
        lines.*,
        first_seen.known_at,
        payments_on_account.payment_id,
        coalesce(payments.payment_type, documents.document_type) as item_type,
        coalesce(payments.payment_date, documents.issue_date) as item_date
    from lines
    inner join first_seen
        on
            lines.settlement_type = first_seen.settlement_type
            and lines.entity_id = first_seen.entity_id
            and lines.settlement_id = first_seen.record_key
            and lines.artefact_id = first_seen.artefact_id
    left join payments_on_account
        on
            lines.entity_id = payments_on_account.entity_id
            and lines.artefact_id = payments_on_account.artefact_id
            and payments_on_account.version_rank = 1
    left join {{ ref('stg_sage_accounting__payments') }} as payments
        on
            payments_on_account.entity_id = payments.entity_id
            and payments_on_account.payment_id = payments.source_payment_id
    left join {{ ref('stg_sage_accounting__documents') }} as documents
        on
            lines.entity_id = documents.entity_id
            and lines.artefact_id = documents.source_document_id
),

final as (
    select
        {{ surrogate_key(['entity_id', 'settlement_type', 'settlement_id', 'artefact_id']) }}
            as record_key,
        entity_id,
        settlement_type,
        settlement_id,
        -- Carried here, so that who reads the lines need not look up each payment again.
        settlement_date,
        coalesce(transaction_type = 'CUSTOMER_REFUND', false) as is_refund,
        case when payment_id is not null then 'payment' else 'document' end as item_kind,
        coalesce(payment_id, artefact_id) as source_item_id,
        item_date,
        case
            when item_type in ('credit_note', 'receipt') then 'credit'
            when item_type in ('invoice', 'refund') then 'debit'
            when signed_amount < 0 then 'credit'
            else 'debit'
        end as side,
        abs(signed_amount) as amount,
        discount_amount,
        known_at
    from named
)

select * from final
