-- Rule: the four effects of the bridge sum to the change of the DSO exactly, its ends are the DSO
-- of both dates, and the three changes of amount are the change of the receivables. Source:
-- issue 3, DSO family: effects that sum to the change.
with reporting_dates as (
    select
        as_of_date,
        lag(as_of_date) over (order by as_of_date) as previous_date
    from {{ ref('int_reporting_dates') }}
)

select
    bridge.as_of_date,
    bridge.scope_type,
    bridge.scope_value,
    bridge.dso_opening,
    opening.dso_countback as opening_countback,
    bridge.dso_closing,
    closing.dso_countback as closing_countback
from {{ ref('mart_dso_bridge') }} as bridge
inner join reporting_dates
    on bridge.as_of_date = reporting_dates.as_of_date
left join {{ ref('mart_dso') }} as opening
    on
        reporting_dates.previous_date = opening.as_of_date
        and bridge.scope_type = opening.scope_type
        and bridge.scope_value = opening.scope_value
left join {{ ref('mart_dso') }} as closing
    on
        bridge.as_of_date = closing.as_of_date
        and bridge.scope_type = closing.scope_type
        and bridge.scope_value = closing.scope_value
where
    bridge.dso_opening <> coalesce(opening.dso_countback, 0)
    or bridge.dso_closing <> coalesce(closing.dso_countback, 0)
    or bridge.revenue_effect_days + bridge.not_due_effect_days + bridge.overdue_effect_days
    + bridge.dispute_effect_days <> bridge.dso_closing - bridge.dso_opening
    or bridge.not_due_change_company_amount + bridge.overdue_change_company_amount
    + bridge.disputed_change_company_amount
    <> bridge.closing_receivables_company_amount - bridge.opening_receivables_company_amount
