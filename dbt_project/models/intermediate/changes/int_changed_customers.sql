-- grain: one row per source, entity and customer whose items this build works out
-- The others have the items that were published last. The empty customer of an entity stands for
-- what names none: it is here where all of its customers are.
-- A customer of whom something takes effect after one of the two as-of dates is worked out as well:
-- the items of the one date do not tell those of the other.
with as_of_dates as (
    select least(min(as_of_date), {{ as_of_date() }}) as earlier_date
    from {{ source('previous', 'publication_info') }}
),

compared as (
    select
        source,
        entity_id,
        source_customer_id,
        stream,
        digests.digest is distinct from published.digest
        or coalesce(
            greatest(digests.last_effect_date, published.last_effect_date)
            > as_of_dates.earlier_date,
            false
        ) as is_changed
    from {{ ref('customer_digests') }} as digests
    full outer join {{ source('previous', 'carried_customer_digests') }} as published
        using (source, entity_id, source_customer_id, stream)
    cross join as_of_dates
),

keys as (
    select
        source,
        entity_id,
        source_customer_id,
        bool_or(is_changed) as is_changed
    from compared
    group by source, entity_id, source_customer_id
),

-- Of what concerns every source, or every customer of a source.
changed_books as (
    select
        books.source,
        books.entity_id
    from (select distinct source, entity_id from keys where source <> '') as books
    inner join keys
        on
            books.entity_id = keys.entity_id
            and keys.source in ('', books.source)
            and keys.source_customer_id = ''
            and keys.is_changed
    group by books.source, books.entity_id
),

final as (
    select
        {{ surrogate_key(['keys.source', 'keys.entity_id', 'keys.source_customer_id']) }}
            as customer_id,
        keys.source,
        keys.entity_id,
        keys.source_customer_id
    from keys
    left join changed_books
        on
            keys.source = changed_books.source
            and keys.entity_id = changed_books.entity_id
    where
        keys.source_customer_id <> ''
        and (keys.is_changed or changed_books.entity_id is not null)
    union all
    select
        {{ surrogate_key(['source', 'entity_id', "''"]) }} as customer_id,
        source,
        entity_id,
        '' as source_customer_id
    from changed_books
)

select * from final
