-- grain: one row per past month end, open item and customer whose figure changed since the last
-- publication that knew less
-- A build of what was already known says what the publication of that knowledge said: a run that is
-- repeated publishes the same marts.
with previous_publication as (
    select
        publication_id,
        known_on
    from {{ source('previous', 'publication_info') }}
),

previous_issues as (
    select
        open_item_id,
        customer_id,
        movement_date as issue_date,
        amount,
        company_amount
    from {{ source('previous', 'fct_receivable_movements') }}
    where movement_type = 'issue'
),

items as (
    select
        open_item_id,
        customer_id,
        document_number,
        booking_date,
        due_date,
        original_amount,
        {{ company_amount('original_amount', 'exchange_rate', 'company_minor_units') }}
            as original_company_amount
    from {{ ref('fct_items') }}
),

due_dates as (
    select * from {{ ref('int_restated_due_dates') }}
),

restated as (
    select
        balances.as_of_date,
        balances.entity_id,
        balances.customer_id,
        balances.open_item_id,
        balances.item_type,
        items.document_number,
        case
            when previous_issues.open_item_id is null then 'document_added'
            when items.open_item_id is null then 'document_removed'
            when items.customer_id <> previous_issues.customer_id then 'customer_changed'
            when
                items.booking_date <> previous_issues.issue_date
                or items.original_amount <> previous_issues.amount
                or items.original_company_amount <> previous_issues.company_amount
                then 'document_changed'
            -- What is owed and what is credited shrink towards zero when they are settled.
            when abs(balances.open_amount) < abs(balances.previous_open_amount)
                then 'settlement_added'
            else 'settlement_removed'
        end as cause,
        due_dates.previous_due_date,
        items.due_date,
        balances.currency_code,
        balances.previous_open_amount,
        balances.open_amount,
        balances.company_currency_code,
        balances.previous_open_company_amount,
        balances.open_company_amount
    from {{ ref('int_restated_balances') }} as balances
    left join previous_issues
        on balances.open_item_id = previous_issues.open_item_id
    left join items
        on balances.open_item_id = items.open_item_id
    left join due_dates
        on
            balances.as_of_date = due_dates.as_of_date
            and balances.open_item_id = due_dates.open_item_id
            and balances.customer_id = due_dates.customer_id
    union all
    select
        due_dates.as_of_date,
        due_dates.entity_id,
        due_dates.customer_id,
        due_dates.open_item_id,
        due_dates.item_type,
        items.document_number,
        'due_date_changed' as cause,
        due_dates.previous_due_date,
        due_dates.due_date,
        due_dates.currency_code,
        due_dates.open_amount as previous_open_amount,
        due_dates.open_amount,
        due_dates.company_currency_code,
        due_dates.open_company_amount as previous_open_company_amount,
        due_dates.open_company_amount
    from due_dates
    inner join items
        on due_dates.open_item_id = items.open_item_id
    left join {{ ref('int_restated_balances') }} as balances
        on
            due_dates.as_of_date = balances.as_of_date
            and due_dates.open_item_id = balances.open_item_id
            and due_dates.customer_id = balances.customer_id
    where balances.open_item_id is null
),

told_before as (
    select
        restatements.as_of_date,
        restatements.entity_id,
        restatements.customer_id,
        restatements.open_item_id,
        restatements.item_type,
        restatements.document_number,
        restatements.cause,
        restatements.previous_due_date,
        restatements.due_date,
        restatements.currency_code,
        restatements.previous_open_amount,
        restatements.open_amount,
        restatements.company_currency_code,
        restatements.previous_open_company_amount,
        restatements.open_company_amount,
        restatements.change_company_amount,
        restatements.previous_publication_id,
        restatements.previous_known_on
    from {{ source('previous', 'mart_restatements') }} as restatements
    inner join previous_publication
        on previous_publication.known_on = {{ known_on() }}
    inner join {{ ref('int_shown_dates') }} as shown_dates
        on restatements.as_of_date = shown_dates.as_of_date
),

final as (
    select
        restated.*,
        restated.open_company_amount - restated.previous_open_company_amount
            as change_company_amount,
        previous_publication.publication_id as previous_publication_id,
        previous_publication.known_on as previous_known_on
    from restated
    inner join previous_publication
        on previous_publication.known_on < {{ known_on() }}
    union all
    select * from told_before
)

select * from final
