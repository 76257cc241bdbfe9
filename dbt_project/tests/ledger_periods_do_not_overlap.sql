-- Rule: the ledgers of one entity share no day.
-- Source: article A. 47 A-1 LPF: one FEC restates one fiscal year whole, so the lines of days that
-- two files share are counted twice.
with ledgers as (
    select
        source,
        entity_id,
        closing_date,
        file_name,
        first_entry_date
    from {{ ref('int_ledger_years') }}
)

select
    earlier.entity_id,
    earlier.file_name as file_name,
    later.file_name as overlapping_file_name
from ledgers as earlier
inner join ledgers as later
    on
        earlier.source = later.source
        and earlier.entity_id = later.entity_id
        and earlier.closing_date < later.closing_date
where later.first_entry_date <= earlier.closing_date
