-- grain: one row per customer invoice, credit note or sales receipt, in its latest version
-- known on `known_on`
with latest as (
    select
        entity_id,
        record_key,
        payload,
        is_deleted,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_odoo', 'moves') }} as versions
    where
        {{ is_latest_known('versions', source('raw_odoo', 'moves')) }}
),

final as (
    select
        entity_id,
        record_key as source_move_id,
        -- `type` until Odoo 13, `move_type` from 14.
        coalesce({{ json_text('payload', 'move_type') }}, {{ json_text('payload', 'type') }})
            as move_type,
        case {{ json_text('payload', 'state') }}
            when 'draft' then 'draft'
            when 'cancel' then 'void'
            else 'posted'
        end as status,
        -- A draft is called `/` until Odoo 16.
        nullif({{ odoo_text('payload', 'name') }}, '/') as document_number,
        {{ odoo_id('payload', 'commercial_partner_id') }} as source_partner_id,
        {{ odoo_id('payload', 'reversed_entry_id') }} as source_reversed_move_id,
        cast({{ odoo_text('payload', 'invoice_date') }} as date) as invoice_date,
        cast({{ odoo_text('payload', 'invoice_date_due') }} as date) as due_date,
        cast({{ json_text('payload', 'amount_untaxed') }} as numeric) as amount_untaxed,
        known_at
    from latest
    where not is_deleted
)

select * from final
