-- grain: one row per ledger line of an entry that touches a receivable, latest version known
-- One number may stand on several entries of a journal and a day: an entry is then the shortest run
-- of lines that balances.
with latest as (
    select
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_sage_100', 'ledger_lines') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_100', 'ledger_lines')) }}
        and not is_deleted
),

-- Nothing is left of a line that was deleted: only those whose key is listed are there.
listed as (
    select
        entity_id,
        record_key
    from {{ source('raw_sage_100', 'ledger_line_ids') }} as versions
    where
        {{ is_latest_known('versions', source('raw_sage_100', 'ledger_line_ids')) }}
        and not is_deleted
),

typed as (
    select
        latest.entity_id,
        cast(latest.record_key as bigint) as ledger_line_no,
        trim({{ json_text('latest.payload', 'JO_Num') }}) as journal_code,
        {{ add_days(
            "cast(" ~ json_text('latest.payload', 'JM_Date') ~ " as date)",
            "cast(" ~ json_text('latest.payload', 'EC_Jour') ~ " as integer) - 1"
        ) }}
            as entry_date,
        nullif(trim({{ json_text('latest.payload', 'EC_Piece') }}), '') as entry_number,
        nullif(trim({{ json_text('latest.payload', 'EC_RefPiece') }}), '') as document_number,
        trim({{ json_text('latest.payload', 'CG_Num') }}) as ledger_account,
        nullif(trim({{ json_text('latest.payload', 'CT_Num') }}), '') as third_party,
        -- Empty dates are the first that the database knows.
        case
            when {{ json_text('latest.payload', 'EC_Echeance') }} >= '1901'
                then cast({{ json_text('latest.payload', 'EC_Echeance') }} as date)
        end as due_date,
        -- The column has six decimals, the euro two.
        round(cast({{ json_text('latest.payload', 'EC_Montant') }} as numeric), 2)
        * case {{ json_text('latest.payload', 'EC_Sens') }} when '0' then 1 when '1' then -1 end
            as signed_amount,
        nullif(trim({{ json_text('latest.payload', 'EC_Lettrage') }}), '') as lettering,
        coalesce({{ json_text('latest.payload', 'EC_ANType') }}, '0') <> '0' as is_opening,
        latest.known_at
    from latest
    inner join listed
        on
            latest.entity_id = listed.entity_id
            and latest.record_key = listed.record_key
),

balances as (
    select
        typed.*,
        sum(signed_amount) over (
            partition by entity_id, journal_code, entry_date, entry_number
            order by ledger_line_no
        ) as running_balance
    from typed
),

runs as (
    select
        balances.*,
        count(case when running_balance = 0 then 1 end) over (
            partition by entity_id, journal_code, entry_date, entry_number
            order by ledger_line_no
            rows between unbounded preceding and 1 preceding
        ) as balanced_runs_before
    from balances
),

final as (
    select
        entity_id,
        ledger_line_no,
        {{ surrogate_key([
            'entity_id', 'journal_code', 'entry_date', "coalesce(entry_number, '')",
            'balanced_runs_before'
        ]) }}
            as entry_key,
        journal_code,
        entry_date,
        coalesce(document_number, entry_number) as document_number,
        ledger_account,
        third_party,
        due_date,
        signed_amount,
        lettering,
        is_opening,
        known_at
    from runs
)

select * from final
