-- grain: one row per reporting date and scope above the customer: the balances of what is in it
with profile_balances as (
    select
        balances.as_of_date,
        profiles.profile_id,
        sum(balances.outstanding_company_amount) as outstanding_company_amount,
        sum(balances.dso_receivables_company_amount) as dso_receivables_company_amount,
        sum(balances.dso_not_due_company_amount) as dso_not_due_company_amount,
        sum(balances.dso_disputed_company_amount) as dso_disputed_company_amount,
        sum(balances.dso_disputed_not_due_company_amount) as dso_disputed_not_due_company_amount,
        sum(balances.not_due_company_amount) as not_due_company_amount,
        sum(balances.overdue_company_amount) as overdue_company_amount,
        sum(balances.open_invoice_count) as open_invoice_count,
        sum(balances.overdue_invoice_count) as overdue_invoice_count
    from {{ ref('int_customer_balances') }} as balances
    inner join {{ ref('int_scope_profiles') }} as profiles
        on balances.customer_id = profiles.customer_id
    group by balances.as_of_date, profiles.profile_id
),

parts as (
    select
        profile_balances.as_of_date,
        scopes.scope_type,
        scopes.scope_value,
        profile_balances.outstanding_company_amount,
        profile_balances.dso_receivables_company_amount,
        profile_balances.dso_not_due_company_amount,
        profile_balances.dso_disputed_company_amount,
        profile_balances.dso_disputed_not_due_company_amount,
        profile_balances.not_due_company_amount,
        profile_balances.overdue_company_amount,
        profile_balances.open_invoice_count,
        profile_balances.overdue_invoice_count
    from profile_balances
    inner join {{ ref('int_profile_scopes') }} as scopes
        on profile_balances.profile_id = scopes.profile_id
    union all
    select
        as_of_date,
        scope_type,
        scope_value,
        open_company_amount as outstanding_company_amount,
        dso_receivables_company_amount,
        dso_not_due_company_amount,
        dso_disputed_company_amount,
        dso_disputed_not_due_company_amount,
        not_due_company_amount,
        overdue_company_amount,
        open_invoice_count,
        overdue_invoice_count
    from {{ ref('int_document_balances') }}
),

final as (
    select
        as_of_date,
        scope_type,
        scope_value,
        sum(outstanding_company_amount) as outstanding_company_amount,
        sum(dso_receivables_company_amount) as dso_receivables_company_amount,
        sum(dso_not_due_company_amount) as dso_not_due_company_amount,
        sum(dso_disputed_company_amount) as dso_disputed_company_amount,
        sum(dso_disputed_not_due_company_amount) as dso_disputed_not_due_company_amount,
        sum(not_due_company_amount) as not_due_company_amount,
        sum(overdue_company_amount) as overdue_company_amount,
        cast(sum(open_invoice_count) as bigint) as open_invoice_count,
        cast(sum(overdue_invoice_count) as bigint) as overdue_invoice_count
    from parts
    group by as_of_date, scope_type, scope_value
)

select * from final
