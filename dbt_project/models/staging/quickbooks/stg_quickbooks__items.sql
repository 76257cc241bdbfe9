-- grain: one row per receivable item: what one transaction makes one customer owe, or be owed
-- Invoices, credit memos and payments say it themselves; journal entries, deposits and purchases by
-- their lines on receivable accounts, one item per customer. Transactions of two kinds may have the
-- same id: an item is named by both.
with preferences as (
    select
        entity_id,
        {{ json_text(
            json_part(json_part('payload', 'CurrencyPrefs'), 'HomeCurrency'), 'value'
        ) }} as home_currency
    from {{ source('raw_quickbooks', 'preferences') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'preferences')) }}
        and not is_deleted
),

receivable_accounts as (
    select
        entity_id,
        record_key as account_id
    from {{ source('raw_quickbooks', 'accounts') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'accounts')) }}
        and not is_deleted
        and {{ json_text('payload', 'AccountType') }} = 'Accounts Receivable'
),

ledger_transactions as (
    select
        'JournalEntry' as txn_type,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'journal_entries') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'journal_entries')) }}
        and not is_deleted
        -- Values receivables anew in the home currency: every item keeps its own rate here.
        and coalesce({{ json_text('payload', 'HomeCurrencyAdjustment') }}, 'false') <> 'true'
    union all
    select
        'Deposit' as txn_type,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'deposits') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'deposits')) }}
        and not is_deleted
    union all
    select
        'Purchase' as txn_type,
        entity_id,
        record_key,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'purchases') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'purchases')) }}
        and not is_deleted
),

ledger_lines as (
    select
        ledger_transactions.txn_type,
        ledger_transactions.entity_id,
        ledger_transactions.record_key,
        coalesce(
            {{ json_part('lines.line', 'JournalEntryLineDetail') }},
            {{ json_part('lines.line', 'DepositLineDetail') }},
            {{ json_part('lines.line', 'AccountBasedExpenseLineDetail') }}
        ) as detail,
        {{ json_text(json_part('ledger_transactions.payload', 'EntityRef'), 'value') }}
            as payee_id,
        {{ json_text('ledger_transactions.payload', 'Credit') }} = 'true' as is_given_back,
        cast({{ json_text('lines.line', 'Amount') }} as numeric) as amount
    from ledger_transactions
    cross join lateral
        {{ json_elements(json_part('ledger_transactions.payload', 'Line')) }} as lines (line)
),

signed_lines as (
    select
        ledger_lines.txn_type,
        ledger_lines.entity_id,
        ledger_lines.record_key,
        coalesce(
            {{ json_text(
                json_part(json_part('ledger_lines.detail', 'Entity'), 'EntityRef'), 'value'
            ) }},
            {{ json_text(json_part('ledger_lines.detail', 'Entity'), 'value') }},
            ledger_lines.payee_id
        ) as customer_id,
        case
            when ledger_lines.txn_type = 'Deposit' then -ledger_lines.amount
            when ledger_lines.txn_type = 'Purchase' and ledger_lines.is_given_back
                then -ledger_lines.amount
            when ledger_lines.txn_type = 'Purchase' then ledger_lines.amount
            when {{ json_text('ledger_lines.detail', 'PostingType') }} = 'Debit'
                then ledger_lines.amount
            when {{ json_text('ledger_lines.detail', 'PostingType') }} = 'Credit'
                then -ledger_lines.amount
        end as signed_amount
    from ledger_lines
    inner join receivable_accounts
        on
            ledger_lines.entity_id = receivable_accounts.entity_id
            and {{ json_text(json_part('ledger_lines.detail', 'AccountRef'), 'value') }}
            = receivable_accounts.account_id
),

-- A side that the vendor did not know before makes the amount unknown, not smaller.
ledger_items as (
    select
        txn_type,
        entity_id,
        record_key,
        customer_id,
        case when count(*) = count(signed_amount) then sum(signed_amount) end as signed_amount
    from signed_lines
    group by txn_type, entity_id, record_key, customer_id
),

items as (
    select
        'Invoice' as txn_type,
        entity_id,
        record_key as txn_id,
        'Invoice/' || record_key as source_item_id,
        {{ json_text(json_part('payload', 'CustomerRef'), 'value') }} as source_customer_id,
        cast({{ json_text('payload', 'TotalAmt') }} as numeric) as signed_amount,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'invoices')) }}
        and not is_deleted
    union all
    -- Paid when the invoice was made, without a payment of its own.
    select
        'InvoiceDeposit' as txn_type,
        entity_id,
        record_key as txn_id,
        'InvoiceDeposit/' || record_key as source_item_id,
        {{ json_text(json_part('payload', 'CustomerRef'), 'value') }} as source_customer_id,
        -cast({{ json_text('payload', 'Deposit') }} as numeric) as signed_amount,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'invoices') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'invoices')) }}
        and not is_deleted
        and cast({{ json_text('payload', 'Deposit') }} as numeric) > 0
    union all
    select
        'CreditMemo' as txn_type,
        entity_id,
        record_key as txn_id,
        'CreditMemo/' || record_key as source_item_id,
        {{ json_text(json_part('payload', 'CustomerRef'), 'value') }} as source_customer_id,
        -cast({{ json_text('payload', 'TotalAmt') }} as numeric) as signed_amount,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'credit_memos') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'credit_memos')) }}
        and not is_deleted
    union all
    select
        'Payment' as txn_type,
        entity_id,
        record_key as txn_id,
        'Payment/' || record_key as source_item_id,
        {{ json_text(json_part('payload', 'CustomerRef'), 'value') }} as source_customer_id,
        -cast({{ json_text('payload', 'TotalAmt') }} as numeric) as signed_amount,
        payload,
        coalesce(first_extracted_at, extracted_at) as known_at
    from {{ source('raw_quickbooks', 'payments') }} as versions
    where
        {{ is_latest_known('versions', source('raw_quickbooks', 'payments')) }}
        and not is_deleted
    union all
    select
        ledger_items.txn_type,
        ledger_items.entity_id,
        ledger_items.record_key as txn_id,
        ledger_items.txn_type || '/' || ledger_items.record_key
        || '/' || coalesce(ledger_items.customer_id, '') as source_item_id,
        ledger_items.customer_id as source_customer_id,
        ledger_items.signed_amount,
        ledger_transactions.payload,
        ledger_transactions.known_at
    from ledger_items
    inner join ledger_transactions
        on
            ledger_items.txn_type = ledger_transactions.txn_type
            and ledger_items.entity_id = ledger_transactions.entity_id
            and ledger_items.record_key = ledger_transactions.record_key
    where ledger_items.signed_amount <> 0 or ledger_items.signed_amount is null
),

final as (
    select
        {{ surrogate_key(['items.entity_id', 'items.source_item_id']) }} as record_key,
        items.entity_id,
        items.txn_type,
        items.txn_id,
        items.source_item_id,
        items.source_customer_id,
        cast({{ json_text('items.payload', 'TxnDate') }} as date) as item_date,
        coalesce(
            {{ json_text(json_part('items.payload', 'CurrencyRef'), 'value') }},
            -- Where there is one currency only, a transaction need not name it.
            preferences.home_currency
        ) as currency_code,
        -- Home currency for one of the transaction's, says the vendor's schema.
        cast({{ json_text('items.payload', 'ExchangeRate') }} as numeric) as exchange_rate,
        -- What the customer owes is positive.
        items.signed_amount,
        items.payload,
        items.known_at
    from items
    left join preferences
        on items.entity_id = preferences.entity_id
)

select * from final
