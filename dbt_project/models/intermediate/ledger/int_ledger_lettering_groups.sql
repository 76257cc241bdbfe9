-- grain: one row per lettering group of a fiscal year
-- Codes are reused by year, account and customer: all three are in the key. Where a code may join
-- lines of several years, its year is the last of them.
with lettered_lines as (
    select
        source,
        entity_id,
        lettering_closing_date as closing_date,
        ledger_account,
        source_customer_id,
        lettering,
        signed_amount
    from {{ ref('int_ledger_receivable_lines') }}
    where lettering is not null
),

final as (
    select
        {{ surrogate_key([
            'source', 'entity_id', 'closing_date', 'ledger_account', 'source_customer_id',
            'lettering'
        ]) }}
            as lettering_group_id,
        source,
        entity_id,
        closing_date,
        ledger_account,
        {{ surrogate_key(['source', 'entity_id', 'source_customer_id']) }} as customer_id,
        source_customer_id,
        lettering,
        count(*) as line_count,
        sum(signed_amount) as group_balance,
        sum(signed_amount) = 0 as is_balanced
    from lettered_lines
    group by
        source, entity_id, closing_date, ledger_account, source_customer_id, lettering
)

select * from final
