-- Rule: the receivables of an entity's DSO at the as-of date are its open items, net of credits and
-- with what is disputed, less what its policies leave out. Source: contracts, section 3: count-back
-- on the net total.
with receivables as (
    select
        items.entity_id,
        sum(
            case
                when items.is_doubtful and policies.doubtful_in_dso = 'out' then 0
                when items.item_type <> 'invoice' and policies.unapplied_in_dso = 'out' then 0
                when policies.disputed_in_dso = 'out'
                    then items.open_company_amount - items.disputed_company_amount
                else items.open_company_amount
            end
        ) as open_company_amount
    from {{ ref('fct_open_items') }} as items
    inner join {{ ref('int_entity_policies') }} as policies
        on items.entity_id = policies.entity_id
    group by items.entity_id
),

dso as (
    select
        scope_value as entity_id,
        dso_receivables_company_amount
    from {{ ref('mart_dso') }}
    where scope_type = 'entity' and as_of_date = {{ as_of_date() }}
)

select
    entity_id,
    dso.dso_receivables_company_amount,
    receivables.open_company_amount
from dso
full outer join receivables
    using (entity_id)
where
    coalesce(dso.dso_receivables_company_amount, 0)
    <> coalesce(receivables.open_company_amount, 0)
