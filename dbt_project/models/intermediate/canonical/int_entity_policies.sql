-- grain: one row per entity: its choices side by side, for models to join
with chosen as (
    select
        entity_id,
        max(case when policy = 'fec_matching' then policy_value end) as fec_matching,
        max(case when policy = 'default_payment_days' then policy_value end)
            as default_payment_days,
        max(case when policy = 'stale_after_days' then policy_value end) as stale_after_days,
        max(case when policy = 'revaluation' then policy_value end) as revaluation,
        max(case when policy = 'rate_warn_after_days' then policy_value end)
            as rate_warn_after_days,
        max(case when policy = 'rate_hold_after_days' then policy_value end)
            as rate_hold_after_days,
        max(case when policy = 'bucket_limits' then policy_value end) as bucket_limits,
        max(case when policy = 'unapplied' then policy_value end) as unapplied,
        max(case when policy = 'zero_month' then policy_value end) as zero_month,
        max(case when policy = 'countback_period' then policy_value end) as countback_period,
        max(case when policy = 'credit_note_month' then policy_value end) as credit_note_month,
        max(case when policy = 'doubtful_in_dso' then policy_value end) as doubtful_in_dso,
        max(case when policy = 'disputed_in_dso' then policy_value end) as disputed_in_dso,
        max(case when policy = 'unapplied_in_dso' then policy_value end) as unapplied_in_dso,
        max(case when policy = 'display_residue' then policy_value end) as display_residue,
        max(case when policy = 'alert_dso_days' then policy_value end) as alert_dso_days,
        max(case when policy = 'alert_overdue_ratio' then policy_value end)
            as alert_overdue_ratio,
        max(case when policy = 'alert_concentration_ratio' then policy_value end)
            as alert_concentration_ratio,
        max(case when policy = 'alert_delay_days' then policy_value end) as alert_delay_days,
        max(case when policy = 'alert_days_overdue' then policy_value end) as alert_days_overdue
    from {{ ref('int_policies') }}
    group by entity_id
),

home as (
    select
        max(case when policy = 'bucket_limits' then policy_value end) as bucket_limits,
        max(case when policy = 'unapplied' then policy_value end) as unapplied
    from {{ ref('int_home_policies') }}
),

final as (
    select
        chosen.entity_id,
        chosen.fec_matching,
        cast(chosen.default_payment_days as integer) as default_payment_days,
        cast(chosen.stale_after_days as integer) as stale_after_days,
        chosen.revaluation,
        cast(chosen.rate_warn_after_days as integer) as rate_warn_after_days,
        cast(chosen.rate_hold_after_days as integer) as rate_hold_after_days,
        chosen.bucket_limits,
        chosen.unapplied,
        chosen.zero_month,
        chosen.countback_period,
        chosen.credit_note_month,
        chosen.doubtful_in_dso,
        chosen.disputed_in_dso,
        chosen.unapplied_in_dso,
        cast(chosen.display_residue as numeric) as display_residue,
        cast(chosen.alert_dso_days as integer) as alert_dso_days,
        cast(chosen.alert_overdue_ratio as numeric) as alert_overdue_ratio,
        cast(chosen.alert_concentration_ratio as numeric) as alert_concentration_ratio,
        cast(chosen.alert_delay_days as integer) as alert_delay_days,
        cast(chosen.alert_days_overdue as integer) as alert_days_overdue,
        home.bucket_limits as home_bucket_limits,
        home.unapplied as home_unapplied,
        -- Then one aged balance serves the entity and what spans entities.
        chosen.bucket_limits = home.bucket_limits and chosen.unapplied = home.unapplied
            as ages_as_home
    from chosen
    cross join home
)

select * from final
