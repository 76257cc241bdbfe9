-- grain: one row per line on a customer's account that is a document, money, or a loss
-- The line of an entry that an invoice of the list names is that document. Any other credit that is
-- lettered with a document settles it: as a loss where its entry is on an account of losses, else
-- as a payment. What is lettered with nothing is money only where its entry is on an account of
-- treasury, and so is a debit, which then is a refund. All else is left out: what is lettered
-- without a document of the list, opening balances, years of another tool, transfers between
-- receivables.
-- A table: two models read it, and its windows are long.
{{ config(materialized='table', post_hook="{{ gather_statistics(this) }}") }}

with ledger_lines as (
    select
        entity_id,
        ledger_line_id,
        ledger_entry_id,
        ledger_account_id,
        account_role,
        is_receivable,
        entry_date,
        signed_amount,
        label,
        lettered_ids,
        known_at,
        lettering_known_at
    from {{ ref('stg_pennylane__ledger_lines') }}
),

entries as (
    select
        entity_id,
        ledger_entry_id,
        max(case when account_role = 'treasury' then 1 else 0 end) = 1 as has_treasury,
        max(case when account_role = 'bad_debt' then 1 else 0 end) = 1 as has_bad_debt,
        sum(case when is_receivable then signed_amount else 0 end) as receivable_amount
    from ledger_lines
    group by entity_id, ledger_entry_id
),

-- Every entry of the list, drafts and quotes included: their lines are no money.
listed as (
    select
        entity_id,
        record_key as source_document_id,
        {{ json_text(json_part('payload', 'ledger_entry'), 'id') }} as ledger_entry_id
    from {{ source('raw_pennylane', 'customer_invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_pennylane', 'customer_invoices')) }}
        and not is_deleted
),

listed_entries as (
    select
        listed.entity_id,
        listed.ledger_entry_id,
        min(documents.source_document_id) as source_document_id
    from listed
    left join {{ ref('stg_pennylane__documents') }} as documents
        on
            listed.entity_id = documents.entity_id
            and listed.source_document_id = documents.source_document_id
            and documents.status = 'posted'
    group by listed.entity_id, listed.ledger_entry_id
),

-- An account that several customers share names none of them.
account_holders as (
    select
        entity_id,
        {{ json_text(json_part('payload', 'ledger_account'), 'id') }} as ledger_account_id,
        min(record_key) as source_customer_id
    from {{ source('raw_pennylane', 'customers') }} as versions
    where
        {{ is_latest_known('versions', source('raw_pennylane', 'customers')) }}
        and not is_deleted
    group by entity_id, {{ json_text(json_part('payload', 'ledger_account'), 'id') }}
    having count(*) = 1
),

-- Two lines are lettered with each other where both say so: of lines that were read at different
-- moments one may still name the other.
named as (
    select
        ledger_lines.entity_id,
        ledger_lines.ledger_line_id,
        cast(cast(elements.value as text) as bigint) as other_line_id
    from ledger_lines
    cross join lateral {{ json_elements('ledger_lines.lettered_ids') }} as elements (value)
    where ledger_lines.is_receivable
),

letterings as (
    select
        named.entity_id,
        named.ledger_line_id,
        min(named.other_line_id) as lettering_id
    from named
    inner join named as answers
        on
            named.entity_id = answers.entity_id
            and named.ledger_line_id = answers.other_line_id
            and named.other_line_id = answers.ledger_line_id
    group by named.entity_id, named.ledger_line_id
    having count(*) > 1
),

described as (
    select
        lines.entity_id,
        lines.ledger_line_id,
        lines.entry_date,
        lines.signed_amount,
        lines.label,
        lines.known_at,
        lines.lettering_known_at,
        letterings.lettering_id,
        listed_entries.ledger_entry_id is not null as is_listed,
        documents.source_document_id,
        documents.source_credited_document_id,
        documents.due_date,
        coalesce(documents.source_customer_id, account_holders.source_customer_id)
            as source_customer_id,
        coalesce(documents.currency_code, 'EUR') as currency_code,
        coalesce(documents.exchange_rate, 1) as exchange_rate,
        entries.has_treasury,
        entries.has_bad_debt,
        -- From one receivable to another, such as a doubtful one: nobody paid.
        not entries.has_treasury and entries.receivable_amount = 0 as is_transfer,
        coalesce(
            max(case when documents.source_document_id is not null then 1 else 0 end) over (
                partition by lines.entity_id, letterings.lettering_id
            ) = 1 and letterings.lettering_id is not null,
            false
        ) as is_lettered_with_document,
        -- The customer of a payment on an account that several share.
        min(documents.source_customer_id) over (
            partition by lines.entity_id, letterings.lettering_id
        ) as lettered_customer_id
    from ledger_lines as lines
    inner join entries
        on
            lines.entity_id = entries.entity_id
            and lines.ledger_entry_id = entries.ledger_entry_id
    left join letterings
        on
            lines.entity_id = letterings.entity_id
            and lines.ledger_line_id = letterings.ledger_line_id
    left join listed_entries
        on
            lines.entity_id = listed_entries.entity_id
            and lines.ledger_entry_id = listed_entries.ledger_entry_id
    left join {{ ref('stg_pennylane__documents') }} as documents
        on
            listed_entries.entity_id = documents.entity_id
            and listed_entries.source_document_id = documents.source_document_id
    left join account_holders
        on
            lines.entity_id = account_holders.entity_id
            and lines.ledger_account_id = account_holders.ledger_account_id
    where lines.is_receivable and lines.signed_amount <> 0
),

judged as (
    select
        described.*,
        case
            when source_document_id is not null then 'document'
            when is_listed then null
            when signed_amount < 0 and is_lettered_with_document and has_bad_debt then 'write_off'
            when signed_amount < 0 and is_lettered_with_document and not is_transfer
                then 'payment'
            when has_treasury and (is_lettered_with_document or lettering_id is null)
                then 'payment'
        end as item_kind
    from described
),

held as (
    select
        entity_id,
        ledger_line_id,
        item_kind,
        signed_amount > 0 as is_debit,
        source_document_id,
        source_credited_document_id,
        case
            when item_kind = 'document' then source_customer_id
            else
                coalesce(
                    source_customer_id,
                    case when is_lettered_with_document then lettered_customer_id end
                )
        end as source_customer_id,
        currency_code,
        exchange_rate,
        entry_date,
        coalesce(due_date, entry_date) as due_date,
        abs(signed_amount) as amount,
        label,
        case when is_lettered_with_document then lettering_id end as lettering_id,
        known_at,
        lettering_known_at
    from judged
    where item_kind is not null
),

final as (
    select *
    from held
    where source_customer_id is not null
)

select * from final
