-- grain: one row per line of an entry, in its latest version known on `known_on`
-- In the columns of a FEC, from the names that the connection's mapping gave (DECISIONS.md, 67). A
-- table, unlike other staging models: five models read it. A lettering is an id, good for all
-- years: its year is that of its latest line.
{{ config(materialized='table', post_hook="{{ gather_statistics(this) }}") }}

with entries as (
    select
        versions.entity_id,
        versions.record_key,
        versions.payload,
        cast({{ json_text('versions.payload', 'closing_date') }} as date) as closing_date,
        {{ json_text('versions.payload', 'journal') }} as journal_code,
        {{ json_text('versions.payload', 'entry') }} as entry_number,
        cast({{ json_text('versions.payload', 'entry_date') }} as date) as entry_date,
        {{ json_text('versions.payload', 'account') }} as ledger_account,
        {{ json_text('versions.payload', 'third_party') }} as auxiliary,
        {{ json_text('versions.payload', 'lettering') }} as lettering,
        coalesce(versions.first_extracted_at, versions.extracted_at) as known_at,
        versions.extracted_at as lettering_known_at
    from {{ source('raw_cegid_loop', 'ecritures') }} as versions
    where
        not versions.is_deleted
        and {{ is_latest_known('versions', source('raw_cegid_loop', 'ecritures')) }}
),

-- Nothing says that a code is given once: one row for each, so that no line is doubled.
journals as (
    select
        versions.entity_id,
        {{ json_text('versions.payload', 'code') }} as journal_code,
        max({{ json_text('versions.payload', 'libelle') }}) as journal_label,
        max(
            case
                when lower({{ json_text('versions.payload', 'type') }}) in ('3', 'anouveau') then 1
                else 0
            end
        ) = 1 as is_opening_journal
    from {{ source('raw_cegid_loop', 'journaux') }} as versions
    where
        not versions.is_deleted
        and {{ is_latest_known('versions', source('raw_cegid_loop', 'journaux')) }}
    group by versions.entity_id, {{ json_text('versions.payload', 'code') }}
),

accounts as (
    select
        versions.entity_id,
        {{ json_text('versions.payload', 'numero') }} as ledger_account,
        max({{ json_text('versions.payload', 'libelle') }}) as account_label
    from {{ source('raw_cegid_loop', 'comptes') }} as versions
    where
        not versions.is_deleted
        and {{ is_latest_known('versions', source('raw_cegid_loop', 'comptes')) }}
    group by versions.entity_id, {{ json_text('versions.payload', 'numero') }}
),

final as (
    select
        entries.entity_id,
        entries.closing_date,
        1 as part,
        row_number() over (
            partition by entries.entity_id, entries.closing_date
            order by
                entries.entry_date, entries.journal_code, entries.entry_number,
                entries.record_key
        ) as line_no,
        entries.record_key as source_line_id,
        entries.journal_code,
        journals.journal_label,
        journals.is_opening_journal,
        entries.entry_number,
        entries.entry_date,
        entries.ledger_account,
        accounts.account_label,
        entries.auxiliary,
        -- Where the list of customers does not know a third party, its code is its name.
        entries.auxiliary as auxiliary_label,
        {{ json_text('entries.payload', 'reference') }} as piece_ref,
        cast({{ json_text('entries.payload', 'document_date') }} as date) as piece_date,
        cast({{ json_text('entries.payload', 'debit') }} as numeric) as debit,
        cast({{ json_text('entries.payload', 'credit') }} as numeric) as credit,
        cast({{ json_text('entries.payload', 'debit') }} as numeric)
        - cast({{ json_text('entries.payload', 'credit') }} as numeric)
            as signed_amount,
        entries.lettering,
        case
            when entries.lettering is null then entries.closing_date
            else max(entries.closing_date) over (
                partition by entries.entity_id, entries.lettering
            )
        end as lettering_closing_date,
        cast({{ json_text('entries.payload', 'due_date') }} as date) as due_date,
        entries.known_at,
        entries.lettering_known_at
    from entries
    left join journals
        on
            entries.entity_id = journals.entity_id
            and entries.journal_code = journals.journal_code
    left join accounts
        on
            entries.entity_id = accounts.entity_id
            and entries.ledger_account = accounts.ledger_account
)

select * from final
