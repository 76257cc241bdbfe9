"""How each expectation is made to fail: (table, check) → SQL that spoils the good candidate.

The key set must equal the set of expectations; a check without a mutation is not merged.
"""

from __future__ import annotations

from typing import Final

# The check that holds for each measure of thresholds.csv.
HELD_BY: Final = {
    "past_movements": "booked_history_is_still_there",
    "vanished_items": "published_items_did_not_vanish",
    "vanished_customers": "customers_did_not_vanish_with_their_invoices",
    "changed_items": "published_items_were_not_rewritten",
    "added_items": "the_past_did_not_gain_documents",
    "outstanding": "outstanding_did_not_jump",
    "outstanding_in_currency": "outstanding_of_each_currency_did_not_jump",
    "open_items": "open_items_did_not_jump",
    "customers": "customers_did_not_double_or_halve",
    "average_invoice": "average_invoice_did_not_jump",
    "revenue_of_closed_months": "revenue_of_closed_months_did_not_move",
    "unapplied_share": "unapplied_credit_did_not_jump",
    "overdue_share": "overdue_share_did_not_jump",
    "estimated_share": "due_dates_still_come_from_the_source",
    "bucket_changes": "customers_stayed_in_their_buckets",
    "invoice_rates": "exchange_rates_of_invoices_did_not_jump",
    "revaluation_rates": "published_exchange_rates_did_not_jump",
    "source_rows": "rows_of_each_stream_did_not_jump",
    "restated_balance": "published_balance_was_not_rewritten",
}

MUTATIONS: Final[dict[tuple[str, str], str]] = {
    # --- publication_info
    ("publication_info", "the_batch_is_one_run_with_one_as_of_date"): """
        insert into marts_candidate.publication_info values
        ('run-3', date '2025-01-31', timestamptz '2025-02-01 07:00:00+00')
    """,
    ("publication_info", "as_of_date_is_plausible"): """
        update marts_candidate.publication_info set as_of_date = date '2205-01-31'
    """,
    ("publication_info", "as_of_date_does_not_go_back"): """
        update marts_candidate.publication_info set as_of_date = date '2024-12-30'
    """,
    ("publication_info", "known_on_does_not_go_back"): """
        update marts_candidate.publication_info
        set known_on = timestamptz '2024-12-31 06:00:00+00'
    """,
    ("publication_info", "no_table_is_empty_that_was_filled"): """
        delete from marts_candidate.fct_receivable_movements;
        analyze marts_candidate.fct_receivable_movements
    """,
    ("publication_info", "tables_kept_their_volume"): """
        insert into marts_candidate.fct_receivable_movements
        select 'x' || n, 'issue', date '2025-01-20' from generate_series(1, 10) as n;
        analyze marts_candidate.fct_receivable_movements
    """,
    ("publication_info", "the_last_publication_can_be_compared_with"): """
        drop view previous.publication_info;
        create table previous.publication_info (as_of_date date)
    """,
    # --- data_coverage
    (
        "data_coverage",
        "at_least_one_source_is_covered",
    ): "delete from marts_candidate.data_coverage",
    ("data_coverage", "business_dates_are_plausible"): """
        update marts_candidate.data_coverage set last_business_date = date '2205-01-30'
        where stream = 'payments'
    """,
    ("data_coverage", "no_stream_vanished"): """
        delete from marts_candidate.data_coverage where stream = 'payments'
    """,
    # --- data_profile, digests, mart_data_quality
    ("data_profile", "every_company_is_measured"): """
        update marts_candidate.data_profile set measured_value = measured_value + 0.01
        where measure = 'outstanding'
    """,
    ("data_profile", "no_measure_vanished"): """
        insert into previous.data_profile values ('fr01', 'average_invoice', 'all', 120.00)
    """,
    ("day_digests", "what_holds_for_every_day_is_part_of_a_number"): """
        delete from marts_candidate.day_digests where fact_type = 'policy'
    """,
    ("customer_digests", "every_customer_with_items_has_a_number"): """
        delete from marts_candidate.customer_digests where source_customer_id = '2'
    """,
    ("customer_digests", "what_holds_for_every_customer_is_part_of_a_number"): """
        delete from marts_candidate.customer_digests where stream = 'policies'
    """,
    ("mart_data_quality", "checks_of_the_last_publication_are_kept"): """
        delete from marts_candidate.mart_data_quality where run_id = 'run-1'
    """,
    ("mart_data_quality", "the_last_publication_was_let_through_for_good_reason"): """
        update marts_candidate.mart_data_quality set state = 'not_checked'
        where check_name = 'losses_are_small'
    """,
    # --- dim_entity, dim_customer
    ("dim_entity", "at_least_one_company_is_present"): "delete from marts_candidate.dim_entity",
    ("dim_entity", "base_currencies_are_three_letter_codes"): """
        update marts_candidate.dim_entity set base_currency = 'EURO'
    """,
    ("dim_entity", "sirens_have_nine_digits"): """
        update marts_candidate.dim_entity set siren = '73282932'
    """,
    ("dim_entity", "no_company_vanished"): """
        insert into marts.dim_entity values ('fr02', 'EUR', '443061841')
    """,
    (
        "dim_customer",
        "at_least_one_customer_is_present",
    ): "delete from marts_candidate.dim_customer",
    ("dim_customer", "country_codes_are_two_letters"): """
        update marts_candidate.dim_customer set country_code = 'France' where customer_id = 'c1'
    """,
    ("dim_customer", "sirens_have_nine_digits"): """
        update marts_candidate.dim_customer set siren = '552 100 554' where customer_id = 'c1'
    """,
    ("dim_customer", "names_are_readable"): """
        update marts_candidate.dim_customer set customer_name = 'CÃ¢blerie'
        where customer_id in ('c1', 'c2')
    """,
    ("dim_customer", "names_did_not_vanish"): """
        update marts_candidate.dim_customer set customer_name = source_customer_id
        where customer_id in ('c1', 'c2', 'c3')
    """,
    ("dim_customer", "no_customer_vanished"): """
        delete from marts_candidate.dim_customer where customer_id = 'c2'
    """,
    # --- attributes
    ("customer_attributes", "custom_criteria_are_few"): """
        insert into marts_candidate.customer_attributes
        select 'c1', 'column_' || n, 'x' from generate_series(1, 200) as n
    """,
    ("customer_attributes", "no_custom_criterion_vanished"): """
        update marts_candidate.customer_attributes set attribute = 'Channel'
    """,
    ("document_attributes", "custom_criteria_are_few"): """
        insert into marts_candidate.document_attributes
        select 'd1', 'column_' || n, 'x' from generate_series(1, 200) as n
    """,
    ("document_attributes", "no_custom_criterion_vanished"): """
        delete from marts_candidate.document_attributes
    """,
    # --- documents, items and what settles them
    ("fct_documents", "documents_are_not_of_the_future"): """
        update marts_candidate.fct_documents set issue_date = date '2052-01-20'
        where document_id <> 'd1'
    """,
    ("fct_documents", "amounts_contain_their_tax_as_before"): """
        update marts_candidate.fct_documents set amount_incl_tax = amount_excl_tax
        where document_id like 'recent%'
    """,
    ("fct_documents", "rates_agree_with_the_published_ones"): """
        update marts_candidate.fct_documents set exchange_rate = 1.15 where document_id = 'd3'
    """,
    ("fct_documents", "amounts_are_not_negative"): """
        update marts_candidate.fct_documents set amount_incl_tax = -120
        where document_id = 'recent1'
    """,
    ("fct_items", "amounts_have_the_sign_of_their_kind"): """
        update marts_candidate.fct_items set original_amount = -original_amount
        where open_item_id = 'p1'
    """,
    ("fct_items", "invoices_have_a_due_date"): """
        update marts_candidate.fct_items set due_date = null where open_item_id = 'i1'
    """,
    ("fct_invoice_settlements", "settlements_cease_after_they_begin"): """
        update marts_candidate.fct_invoice_settlements set in_force_to = in_force_from
    """,
    ("fct_invoice_settlements", "settlements_are_not_more_than_their_item"): """
        update marts_candidate.fct_invoice_settlements set amount = 120.01
    """,
    ("fct_item_states", "states_end_after_they_open"): """
        update marts_candidate.fct_item_states set closed_on = opened_on - 1
        where state_id = 't1'
    """,
    ("fct_item_states", "state_dates_are_plausible"): """
        update marts_candidate.fct_item_states set promised_date = date '3025-02-28'
        where state_id = 't2'
    """,
    ("fct_item_states", "no_more_is_disputed_than_was_invoiced"): """
        update marts_candidate.fct_item_states set amount = 120.01 where state_id = 't1'
    """,
    # --- fct_open_items
    ("fct_open_items", "open_items_are_present"): "delete from marts_candidate.fct_open_items",
    ("fct_open_items", "currency_codes_are_three_letters"): """
        update marts_candidate.fct_open_items set currency_code = '€' where open_item_id = 'i1'
    """,
    ("fct_open_items", "due_dates_are_plausible"): """
        insert into marts_candidate.fct_open_items values
        ('i5', 'fr01', 'c1', 'invoice', date '2025-01-02', date '3025-02-01', false, 'EUR', 1, 0)
    """,
    ("fct_open_items", "due_dates_were_read_correctly"): """
        update marts_candidate.fct_open_items set due_date = date '0025-01-02'
        where open_item_id = 'i1'
    """,
    ("fct_open_items", "due_dates_follow_issue_dates"): """
        update marts_candidate.fct_open_items set due_date = issue_date - 1
        where open_item_id in ('i1', 'i2', 'i3')
    """,
    ("fct_open_items", "published_due_dates_stand"): """
        update marts_candidate.fct_open_items set due_date = due_date + 10
        where open_item_id in ('i1', 'i2', 'i3')
    """,
    ("fct_open_items", "issue_dates_are_plausible"): """
        update marts_candidate.fct_open_items set issue_date = date '0024-11-20'
        where open_item_id = 'i1'
    """,
    ("fct_open_items", "nothing_is_ten_years_overdue"): """
        update marts_candidate.fct_open_items set days_overdue = 3661 where open_item_id = 'i1'
    """,
    ("fct_open_items", "estimated_due_dates_are_a_minority"): """
        update marts_candidate.fct_open_items set due_date_is_estimated = true
        where open_item_id in ('i1', 'i2', 'i3')
    """,
    ("fct_open_items", "due_dates_come_from_the_source"): """
        update marts_candidate.fct_open_items set due_date_is_estimated = true
        where open_item_id = 'i1'
    """,
    ("fct_open_items", "unapplied_credit_is_moderate"): """
        update marts_candidate.fct_open_items set open_company_amount = -650.01
        where open_item_id = 'p1'
    """,
    # --- positions and movements
    ("fct_open_item_positions", "positions_are_present"): """
        delete from marts_candidate.fct_open_item_positions
    """,
    ("fct_open_item_positions", "position_dates_are_plausible"): """
        update marts_candidate.fct_open_item_positions set valid_from = date '0024-11-20'
        where open_item_id = 'i1'
    """,
    ("fct_receivable_movements", "movements_are_present"): """
        delete from marts_candidate.fct_receivable_movements
    """,
    ("fct_receivable_movements", "movement_dates_are_plausible"): """
        update marts_candidate.fct_receivable_movements set movement_date = date '0024-11-20'
        where open_item_id = 'i1'
    """,
    ("scope_revenue_months", "months_follow_each_other_and_add_up"): """
        delete from marts_candidate.scope_revenue_months
        where scope_value in ('fr01', 'c1') and month_start = date '2024-12-01'
    """,
    ("scope_revenue_months", "sales_of_customers_sum_to_those_of_their_company"): """
        update marts_candidate.scope_revenue_months
        set revenue_company_amount = 400.00, revenue_to_month_company_amount = 1300.00
        where scope_value = 'c1' and month_start = date '2025-01-01'
    """,
    # --- marts
    ("mart_aged_balance", "aged_balance_shows_the_date_of_the_run"): """
        delete from marts_candidate.mart_aged_balance where as_of_date = date '2025-01-31'
    """,
    ("mart_aged_balance", "old_debt_is_a_minority"): """
        update marts_candidate.mart_aged_balance set bucket = 'overdue_over_120'
        where as_of_date = date '2025-01-31' and bucket <> 'not_due'
    """,
    ("mart_outstanding", "outstanding_shows_the_date_of_the_run"): """
        delete from marts_candidate.mart_outstanding
    """,
    ("mart_outstanding", "disputes_and_litigation_are_a_minority"): """
        update marts_candidate.mart_outstanding set status = 'litigation' where status = 'overdue'
    """,
    ("mart_dso", "dso_shows_the_date_of_the_run"): "delete from marts_candidate.mart_dso",
    ("mart_dso", "company_dso_is_between_zero_and_ten_years"): """
        update marts_candidate.mart_dso set dso_countback = 3661
        where scope_type = 'entity' and as_of_date = date '2025-01-31'
    """,
    ("mart_dso", "dso_is_between_zero_and_ten_years"): """
        update marts_candidate.mart_dso set dso_countback = -1 where scope_value = 'c3'
    """,
    ("mart_dso", "revenue_history_is_long_enough"): """
        update marts_candidate.mart_dso set dso_status = 'history_exhausted'
        where scope_value = 'c1'
    """,
    ("mart_dso", "early_payers_do_not_outweigh_late_ones"): """
        update marts_candidate.mart_dso set average_days_delinquent = -2.5
        where scope_type = 'entity' and as_of_date = date '2025-01-31'
    """,
    ("mart_dso", "company_dso_is_stable"): """
        update marts_candidate.mart_dso set dso_countback = 66.5
        where scope_type = 'entity' and as_of_date = date '2025-01-31'
    """,
    ("mart_dso_explain", "dso_of_the_run_is_explained"): """
        delete from marts_candidate.mart_dso_explain
    """,
    ("mart_dso_explain", "consumed_months_are_plausible"): """
        update marts_candidate.mart_dso_explain set month_start = date '2025-02-01'
        where month_start = date '2025-01-01'
    """,
    ("mart_dso_explain", "months_with_negative_revenue_are_absent"): """
        update marts_candidate.mart_dso_explain set revenue_company_amount = -0.01
        where month_start = date '2024-12-01'
    """,
    ("mart_top_debtors", "debtors_are_ranked_on_the_date_of_the_run"): """
        update marts_candidate.mart_top_debtors set as_of_date = date '2025-01-30'
        where customer_id = 'c1'
    """,
    ("mart_top_debtors", "no_debtor_owes_more_than_half"): """
        update marts_candidate.mart_top_debtors set open_company_amount = 850.01
        where customer_id = 'c1'
    """,
    ("mart_future_dated_documents", "future_documents_count_after_the_date_of_the_run"): """
        update marts_candidate.mart_future_dated_documents set booking_date = date '2025-01-31'
    """,
    ("mart_top_overdue_invoices", "overdue_invoices_are_ranked_on_the_date_of_the_run"): """
        update marts_candidate.mart_top_overdue_invoices set as_of_date = null
        where open_item_id = 'i1'
    """,
    ("mart_top_overdue_invoices", "no_invoice_is_most_of_what_is_overdue"): """
        update marts_candidate.mart_top_overdue_invoices set open_company_amount = 650.01
        where open_item_id = 'i1'
    """,
    ("mart_restatements", "closed_months_changed_little"): """
        update marts_candidate.mart_restatements set change_company_amount = -2000.00
    """,
    # --- alerts
    ("mart_alerts", "alerts_show_the_date_of_the_run"): """
        update marts_candidate.mart_alerts set as_of_date = date '2024-12-31'
        where customer_id = 'c1'
    """,
    ("mart_alerts", "alerts_stand_for_a_minority_of_customers"): """
        insert into marts_candidate.mart_alerts
        select date '2025-01-31', 'bucket_jump:fr01:' || customer_id, 'bucket_jump', 'fr01',
            customer_id
        from marts_candidate.dim_customer where customer_id in ('c2', 'c3')
    """,
    # --- behaviour
    ("mart_payer_behaviour", "behaviour_shows_the_date_of_the_run"): """
        delete from marts_candidate.mart_payer_behaviour where as_of_date = date '2025-01-31'
    """,
    ("mart_payer_behaviour", "payers_are_not_years_late"): """
        update marts_candidate.mart_payer_behaviour set avg_days_late_3m = 1831
        where customer_id = 'c4'
    """,
    ("mart_payer_behaviour", "some_customers_pay"): """
        update marts_candidate.mart_payer_behaviour
        set paid_company_amount_3m = 0, avg_days_late_3m = null
        where as_of_date = date '2025-01-31'
    """,
    ("mart_payer_behaviour", "habits_of_payers_are_stable"): """
        update marts_candidate.mart_payer_behaviour set avg_days_late_3m = 10
        where as_of_date = date '2025-01-31' and customer_id = 'c1'
    """,
    ("mart_kpi_monthly", "months_reach_the_date_of_the_run"): """
        delete from marts_candidate.mart_kpi_monthly where as_of_date = date '2025-01-31'
    """,
    ("mart_kpi_monthly", "losses_are_small"): """
        update marts_candidate.mart_kpi_monthly set loss_ratio = 0.051
        where as_of_date = date '2025-01-31'
    """,
    ("mart_kpi_monthly", "receipts_follow_revenue"): """
        update marts_candidate.mart_kpi_monthly set receipts_company_amount = 369
    """,
    ("mart_kpi_monthly", "someone_pays_on_time"): """
        update marts_candidate.mart_kpi_monthly set paid_on_time_company_amount = 11.99
    """,
    ("mart_roll_rates", "roll_rates_end_at_the_date_of_the_run"): """
        update marts_candidate.mart_roll_rates set period_end_date = date '2024-12-31'
    """,
    ("mart_roll_rates", "write_offs_roll_late"): """
        update marts_candidate.mart_roll_rates set roll_rate = 0.11
        where to_state = 'written_off'
    """,
    ("mart_invoice_cohorts", "cohorts_reach_the_date_of_the_run"): """
        update marts_candidate.mart_invoice_cohorts set period_end_date = date '2024-12-31'
    """,
    ("mart_invoice_cohorts", "old_invoices_are_collected"): """
        update marts_candidate.mart_invoice_cohorts set open_company_amount = 400.01
        where age_months = 12
    """,
    ("mart_late_payments", "payments_are_not_all_late"): """
        update marts_candidate.mart_late_payments set late_count = payment_count
    """,
    ("mart_late_payments", "late_payments_are_stable"): """
        update marts_candidate.mart_late_payments set late_share_amount = 0.51
        where as_of_date = date '2024-12-31'
    """,
    ("mart_tie_out", "receivables_agree_with_the_ledger"): """
        update marts_candidate.mart_tie_out set difference = 0.01, is_tied = false
        where as_of_date = date '2024-12-31'
    """,
    ("mart_tie_out", "control_totals_did_not_vanish"): """
        delete from marts_candidate.mart_tie_out
    """,
    ("mart_tie_out", "every_company_has_a_ledger_balance"): """
        update marts_candidate.mart_tie_out set ledger_balance = null
    """,
    ("mart_aged_balance_by_issue_date", "documents_are_aged_on_the_date_of_the_run"): """
        delete from marts_candidate.mart_aged_balance_by_issue_date
    """,
    ("mart_aged_balance_by_issue_date", "oldest_documents_are_a_minority"): """
        update marts_candidate.mart_aged_balance_by_issue_date set issue_bucket = 'issued_over_120'
        where issue_bucket <> 'issued_0_30'
    """,
    ("mart_aged_balance_by_scope", "scopes_are_aged_on_the_date_of_the_run"): """
        update marts_candidate.mart_aged_balance_by_scope set as_of_date = date '2024-12-31'
    """,
    ("mart_aged_balance_by_scope", "oldest_bucket_is_a_minority_of_every_segment"): """
        update marts_candidate.mart_aged_balance_by_scope set bucket = 'overdue_over_120'
        where scope_type = 'sector'
    """,
    ("mart_dso_bridge", "change_of_the_run_is_explained"): """
        delete from marts_candidate.mart_dso_bridge
    """,
    ("mart_dso_bridge", "no_single_effect_is_a_quarter"): """
        update marts_candidate.mart_dso_bridge set overdue_effect_days = -90.01
    """,
    # --- raw
    ("data_coverage", "delivered_rows_are_all_there"): """
        update marts_candidate.data_coverage set row_count = 999 where stream = 'documents'
    """,
    ("ops.extraction", "loaded_rows_equal_what_was_landed"): """
        update ops.extraction set row_count = 99 where extraction_id = 4
    """,
    ("ops.extraction", "whole_readings_hold_what_the_source_states"): """
        update ops.extraction
        set control_total = control_total || '{"stated": "101"}' where extraction_id = 4
    """,
    ("ops.extraction", "delivered_files_were_loaded_whole"): """
        update ops.extraction set byte_count = 4999 where extraction_id = 2
    """,
    ("ops.extraction", "last_readings_succeeded"): """
        insert into ops.extraction values
        (6, 'load-5', 'odoo', 'moves', 'fr02', 'incomplete', 0, 0, 0, null)
    """,
    ("ops.extraction", "no_reading_was_loaded_in_part"): """
        update ops.extraction set status = 'landed' where extraction_id = 4
    """,
    ("int_source_freshness", "mandatory_ledgers_are_fresh"): """
        update intermediate.int_source_freshness set state = 'too_old', age_days = 121
    """,
    ("int_source_freshness", "other_sources_are_not_too_old"): """
        update intermediate.int_source_freshness
        set role = 'insurer', state = 'too_old', age_days = 121
    """,
    ("int_source_freshness", "sources_are_on_time"): """
        update intermediate.int_source_freshness set state = 'late', age_days = 46
    """,
    ("int_source_freshness", "every_source_has_its_limits"): """
        insert into intermediate.int_gathered_readings values ('coface', 'fr01')
    """,
    ("int_ledger_years", "lines_of_the_file_are_all_there"): """
        delete from intermediate.int_ledger_lines where signed_amount < 0
    """,
    # --- intermediate
    ("int_announced_changes", "no_check_of_the_batch_is_put_aside"): """
        insert into intermediate.int_announced_changes values
        ('fr01', 'untaxed_share', 'we sell abroad now', date '2025-02-28')
    """,
    ("int_source_differences", "sources_agree_in_total"): """
        insert into intermediate.int_source_differences values
        ('odoo', 'odoo:fr01:document:12', 'fr01', '12', 'EUR', 40.00, 60.00)
    """,
    **{
        ("int_drift", check): f"""
        update intermediate.int_drift set state = 'held', measured_value = 400
        where measure = '{measure}'
    """
        for measure, check in HELD_BY.items()
    },
    ("int_drift", "nothing_moved_more_than_usual"): """
        update intermediate.int_drift set state = 'noted', measured_value = 400
        where measure = 'customers'
    """,
    ("int_drift", "announced_jumps_are_reported"): """
        update intermediate.int_drift set state = 'announced', announced_reason = 'a new contract'
        where measure = 'outstanding'
    """,
    ("int_drift", "announcements_are_of_companies_that_exist"): """
        insert into ops.announced_change values ('fr99', 'outstanding')
    """,
    ("int_roll_forward", "receivables_roll_forward"): """
        update intermediate.int_roll_forward set difference_company_amount = 0.01
    """,
    ("int_roll_forward", "restated_amounts_are_reported"): """
        update intermediate.int_roll_forward set restated_company_amount = -20.00
    """,
    ("int_policies", "choices_are_of_entities_that_exist"): """
        insert into ops.policy_choice values ('fr99', 'unapplied', 'own_date')
    """,
    ("int_revaluation_rates", "open_currencies_have_a_rate"): """
        update intermediate.int_revaluation_rates
        set rate_state = 'missing', holds_publication = true, what_to_do = 'no rate of USD'
    """,
    ("int_revaluation_rates", "rates_are_not_too_old"): """
        update intermediate.int_revaluation_rates
        set
            rate_state = 'too_old', outrun_days = 36, holds_publication = true,
            what_to_do = 'rate of 2024-12-01'
    """,
    ("int_revaluation_rates", "rates_are_current"): """
        update intermediate.int_revaluation_rates
        set rate_state = 'missing', holds_publication = false, what_to_do = 'no rate of USD'
    """,
    ("int_refused_rows", "no_row_was_refused"): """
        insert into intermediate.int_refused_rows values (
            'files', 'documents', 'fr01', 'fr01|F-12', 'documents.csv', 13, 'exchange_rate',
            'absent for a document in USD'
        )
    """,
    ("int_source_differences", "sources_agree_on_what_is_open"): """
        insert into intermediate.int_source_differences values
        ('odoo', 'odoo:fr01:document:12', 'fr01', '12', 'EUR', 40.00, 60.00)
    """,
    ("int_ledger_years", "debits_equal_credits"): """
        update intermediate.int_ledger_years set total_debit = 4999.99, is_balanced = false
    """,
    ("int_ledger_years", "payments_are_matched_by_lettering"): """
        update intermediate.int_ledger_years set has_lettering = false, matching = 'fifo'
    """,
    ("int_ledger_lettering_groups", "lettering_groups_add_up_to_zero"): """
        update intermediate.int_ledger_lettering_groups
        set group_balance = 12.5, is_balanced = false
    """,
}
