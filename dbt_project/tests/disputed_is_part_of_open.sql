-- Rule: what is disputed of an item is a part of what is open of it, at every date shown. Source:
-- domain, section 1.2: disputed stays in the receivables; a dispute of more than is left would
-- make the rest negative.
select
    as_of_date,
    entity_id,
    open_item_id,
    open_amount,
    disputed_amount,
    open_company_amount,
    disputed_company_amount
from {{ ref('int_aged_items') }}
where
    disputed_amount < 0
    or disputed_company_amount < 0
    or (disputed_amount > 0 and disputed_amount > open_amount)
    or (disputed_company_amount > 0 and disputed_company_amount > open_company_amount)
