-- grain: one row per line on a receivable account, in its latest version known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_odoo', 'move_lines') }} as versions
    where
        {{ is_latest_known('versions', source('raw_odoo', 'move_lines')) }}
),

-- Odoo leaves nothing of a record that it deletes: only those whose id is listed are there.
listed as (
    select
        entity_id,
        record_key
    from {{ source('raw_odoo', 'move_line_ids') }} as versions
    where
        {{ is_latest_known('versions', source('raw_odoo', 'move_line_ids')) }}
        and not is_deleted
),

final as (
    select
        latest.entity_id,
        latest.record_key as source_line_id,
        {{ odoo_id('latest.payload', 'move_id') }} as source_move_id,
        nullif(
            coalesce(
                {{ odoo_text('latest.payload', 'move_name') }},
                {{ odoo_name('latest.payload', 'move_id') }}
            ),
            '/'
        ) as move_name,
        {{ odoo_id('latest.payload', 'partner_id') }} as source_partner_id,
        {{ odoo_id('latest.payload', 'currency_id') }} as source_currency_id,
        {{ odoo_id('latest.payload', 'journal_id') }} as source_journal_id,
        {{ odoo_name('latest.payload', 'journal_id') }} as journal_name,
        {{ odoo_text('latest.payload', 'ref') }} as reference,
        {{ json_text('latest.payload', 'parent_state') }} as state,
        coalesce(
            {{ odoo_id('latest.payload', 'payment_id') }},
            {{ odoo_id('latest.payload', 'statement_line_id') }}
        ) is not null as is_cash,
        cast({{ odoo_text('latest.payload', 'date') }} as date) as booking_date,
        cast({{ odoo_text('latest.payload', 'date_maturity') }} as date) as due_date,
        cast({{ json_text('latest.payload', 'balance') }} as numeric) as balance,
        cast({{ json_text('latest.payload', 'amount_currency') }} as numeric)
            as amount_currency,
        cast({{ json_text('latest.payload', 'amount_residual') }} as numeric)
            as amount_residual,
        cast({{ json_text('latest.payload', 'amount_residual_currency') }} as numeric)
            as amount_residual_currency,
        latest.known_at
    from latest
    inner join listed
        on
            latest.entity_id = listed.entity_id
            and latest.record_key = listed.record_key
    where not latest.is_deleted
)

select * from final
