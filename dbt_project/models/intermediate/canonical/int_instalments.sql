-- grain: one row per instalment of a usable invoice; an invoice without instalments has one
with invoices as (
    select
        document_key,
        entity_id,
        issue_date,
        due_date,
        lower(trim(payment_terms)) as payment_terms,
        is_doubtful,
        amount_incl_tax
    from {{ ref('int_documents') }}
    where document_type = 'invoice'
),

given_instalments as (
    select
        document_key,
        instalment_no,
        due_date,
        amount,
        count(*) over (partition by document_key) > 1 as is_split
    from {{ ref('int_instalments_checked') }}
    where refused_reason is null
),

invoices_with_instalments as (
    select distinct document_key
    from given_instalments
),

whole_invoices as (
    select
        invoices.document_key,
        1 as instalment_no,
        coalesce(
            invoices.due_date,
            -- A debt is called doubtful when it is past due: the transfer gives it no new term.
            case when invoices.is_doubtful then invoices.issue_date end,
            case payment_terms.method
                when 'net' then {{ add_days('invoices.issue_date', 'payment_terms.days') }}
                when 'days_then_month_end'
                    then {{ month_end(add_days('invoices.issue_date', 'payment_terms.days')) }}
                when 'month_end_then_days'
                    then {{ add_days(month_end('invoices.issue_date'), 'payment_terms.days') }}
            end,
            {{ add_days('invoices.issue_date', 'entity_policies.default_payment_days') }}
        ) as due_date,
        invoices.due_date is null as due_date_is_estimated,
        invoices.amount_incl_tax as amount,
        false as is_split
    from invoices
    inner join {{ ref('int_entity_policies') }} as entity_policies
        on invoices.entity_id = entity_policies.entity_id
    left join {{ ref('payment_terms') }} as payment_terms
        on invoices.payment_terms = cast(payment_terms.payment_terms as text)
    left join invoices_with_instalments
        on invoices.document_key = invoices_with_instalments.document_key
    where invoices_with_instalments.document_key is null
),

final as (
    select
        given_instalments.document_key,
        given_instalments.instalment_no,
        given_instalments.due_date,
        false as due_date_is_estimated,
        given_instalments.amount,
        given_instalments.is_split
    from given_instalments
    inner join invoices
        on given_instalments.document_key = invoices.document_key
    union all
    select * from whole_invoices
)

select * from final
