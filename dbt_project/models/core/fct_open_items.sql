-- grain: one row per item that is open at the as-of date
with aged_items as (
    select
        open_item_id,
        open_amount,
        open_company_amount,
        days_overdue,
        bucket,
        issue_bucket,
        disputed_amount,
        disputed_company_amount,
        collection_stage
    from {{ ref('int_aged_items') }}
    where as_of_date = {{ as_of_date() }}
),

items as (
    select
        open_item_id,
        document_id,
        entity_id,
        customer_id,
        source,
        source_document_id,
        document_number,
        instalment_no,
        item_type,
        origin,
        issue_date,
        booking_date,
        due_date,
        due_date_is_estimated,
        currency_code,
        original_amount,
        exchange_rate,
        company_currency_code,
        company_minor_units,
        ledger_account,
        is_doubtful
    from {{ ref('fct_items') }}
),

-- The last published rate on or before the as-of date; null when none was ever published. Of a day
-- that several sources publish, the company's own files go first.
ranked_rates as (
    select
        currency_code,
        base_currency,
        rate_date,
        exchange_rate,
        row_number() over (
            partition by currency_code, base_currency
            order by rate_date desc, case source when 'files' then 0 else 1 end, source
        ) as rate_rank
    from {{ ref('int_gathered_exchange_rates') }}
    where rate_date <= {{ as_of_date() }}
),

-- What a debtor says last replaces what it said before; of what was recorded on one day the latest
-- date counts, since nobody can tell which came last.
ranked_promises as (
    select
        document_id,
        promised_date,
        row_number() over (
            partition by document_id
            order by opened_on desc, promised_date desc
        ) as promise_rank
    from {{ ref('fct_item_states') }}
    where
        state_type = 'promise'
        and document_id is not null
        and opened_on <= {{ as_of_date() }}
),

final as (
    select
        items.open_item_id,
        items.document_id,
        items.entity_id,
        items.customer_id,
        items.source,
        items.source_document_id,
        items.document_number,
        items.instalment_no,
        items.item_type,
        items.origin,
        items.issue_date,
        items.booking_date,
        items.due_date,
        items.due_date_is_estimated,
        items.currency_code,
        items.original_amount,
        -- Of what nothing settled, nothing was paid.
        coalesce(settlements.paid_amount, 0) as paid_amount,
        coalesce(settlements.credited_amount, 0) as credited_amount,
        coalesce(settlements.written_off_amount, 0) as written_off_amount,
        aged_items.open_amount,
        coalesce(settlements.paid_after_asof_amount, 0) as paid_after_asof_amount,
        settlements.first_paid_on,
        items.company_currency_code,
        aged_items.open_company_amount,
        case
            when items.currency_code = items.company_currency_code
                then aged_items.open_company_amount
            else {{ company_amount(
                'aged_items.open_amount', 'ranked_rates.exchange_rate', 'items.company_minor_units'
            ) }}
        end as open_revalued_amount,
        ranked_rates.exchange_rate as revaluation_rate,
        ranked_rates.rate_date as revaluation_rate_date,
        cast(aged_items.days_overdue as integer) as days_overdue,
        aged_items.bucket,
        cast({{ days_between(as_of_date(), 'items.issue_date') }} as integer)
            as days_since_issue,
        aged_items.issue_bucket,
        aged_items.disputed_amount > 0 as is_disputed,
        aged_items.disputed_company_amount,
        aged_items.collection_stage,
        case when items.item_type = 'invoice' then ranked_promises.promised_date end
            as promised_date,
        items.ledger_account,
        items.is_doubtful
    from aged_items
    inner join items
        on aged_items.open_item_id = items.open_item_id
    left join {{ ref('int_open_item_settlements') }} as settlements
        on aged_items.open_item_id = settlements.open_item_id
    -- The base currency has no rate, whatever the file says.
    left join ranked_rates
        on
            items.currency_code = ranked_rates.currency_code
            and items.company_currency_code = ranked_rates.base_currency
            and items.currency_code <> items.company_currency_code
            and ranked_rates.rate_rank = 1
    left join ranked_promises
        on
            items.document_id = ranked_promises.document_id
            and ranked_promises.promise_rank = 1
)

select * from final
