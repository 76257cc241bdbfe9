-- grain: one row per document and scope: the custom attributes of the documents file
-- Only while all entities share one base currency, and for attributes that are segments: nearly
-- one value per document makes no scope (policy attribute_values).
with filled as (
    select
        document_id as document_key,
        attribute,
        value
    from {{ ref('document_attributes') }}
    where value <> ''
),

attribute_values as (
    select
        attribute,
        value
    from filled
    group by attribute, value
),

segments as (
    select attribute
    from attribute_values
    group by attribute
    having count(*) <= cast({{ home_policy('attribute_values') }} as integer)
),

group_currency as (
    select
        min(base_currency) as base_currency,
        min(base_currency) = max(base_currency) as is_single
    from {{ ref('int_entities') }}
),

final as (
    select
        filled.document_key,
        'document.' || filled.attribute as scope_type,
        filled.value as scope_value,
        group_currency.base_currency as company_currency_code
    from filled
    inner join segments
        on filled.attribute = segments.attribute
    inner join group_currency
        on group_currency.is_single
)

select * from final
