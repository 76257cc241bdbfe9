-- grain: one row per reconciliation of two lines, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_odoo', 'partial_reconciles') }} as versions
    where
        {{ is_latest_known('versions', source('raw_odoo', 'partial_reconciles')) }}
),

-- Odoo leaves nothing of a record that it deletes: only those whose id is listed are there.
listed as (
    select
        entity_id,
        record_key
    from {{ source('raw_odoo', 'partial_reconcile_ids') }} as versions
    where
        {{ is_latest_known('versions', source('raw_odoo', 'partial_reconcile_ids')) }}
        and not is_deleted
),

final as (
    select
        latest.entity_id,
        latest.record_key as source_reconcile_id,
        {{ odoo_id('latest.payload', 'debit_move_id') }} as source_debit_line_id,
        {{ odoo_id('latest.payload', 'credit_move_id') }} as source_credit_line_id,
        {{ odoo_id('latest.payload', 'exchange_move_id') }} as source_exchange_move_id,
        cast({{ json_text('latest.payload', 'amount') }} as numeric) as company_amount,
        -- Until Odoo 13 one amount stands for both sides, where they share a foreign currency.
        case
            when {{ json_text('latest.payload', 'debit_amount_currency') }} is not null
                then cast({{ json_text('latest.payload', 'debit_amount_currency') }} as numeric)
            when {{ odoo_id('latest.payload', 'currency_id') }} is not null
                then cast({{ json_text('latest.payload', 'amount_currency') }} as numeric)
        end as debit_amount,
        case
            when {{ json_text('latest.payload', 'credit_amount_currency') }} is not null
                then cast({{ json_text('latest.payload', 'credit_amount_currency') }} as numeric)
            when {{ odoo_id('latest.payload', 'currency_id') }} is not null
                then cast({{ json_text('latest.payload', 'amount_currency') }} as numeric)
        end as credit_amount,
        latest.known_at
    from latest
    inner join listed
        on
            latest.entity_id = listed.entity_id
            and latest.record_key = listed.record_key
    where not latest.is_deleted
)

select * from final
