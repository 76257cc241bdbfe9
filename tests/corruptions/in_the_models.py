"""Corruptions of what the warehouse makes of good books: models that somebody edited, raw rows that
somebody changed, sources that fell silent."""

from __future__ import annotations

from datetime import timedelta

from corruptions.corruption import Made
from corruptions.model_attempts import ModelEdit

TIE_OUT = "mart_tie_out.receivables_agree_with_the_ledger"
ANOTHER_BALANCE = "update raw_files.ledger_balances set balance = (balance::numeric + 1)::text"


def edited(
    name: str, model: str, before: str, after: str, caught_by: str, why: str, raw: str = ""
) -> Made:
    return Made(name, caught_by, why, (ModelEdit(model, before, after),), raw)


MODELS = (
    edited(
        "leave_not_due_out_of_the_aged_balance",
        "mart_aged_balance",
        "where basis = 'entity' and not is_netted",
        "where basis = 'entity' and not is_netted and bucket <> 'not_due'",
        "aged_balance_equals_movements",
        "Half of what is owed is not due yet and would be owed by nobody.",
    ),
    edited(
        "leave_not_due_out_of_the_open_items",
        "int_aged_items",
        "    from bucketed\n",
        "    from bucketed\n    where bucket <> 'not_due'\n",
        "open_items_equal_positions_and_movements",
        "All figures would agree with each other, and all would be too small.",
    ),
    edited(
        "leave_credits_out_of_everything",
        "int_aged_items",
        "    from bucketed\n",
        "    from bucketed\n    where item_type = 'invoice'\n",
        "customers_owe_what_was_delivered",
        "Customers that have paid on account would be chased for the whole invoice.",
    ),
    edited(
        "join_every_rate_to_an_item",
        "fct_open_items",
        "            and ranked_rates.rate_rank = 1\n",
        "",
        "fct_open_items_key",
        "A foreign invoice would be owed once for each rate that was ever published.",
    ),
    edited(
        "join_the_states_of_all_dates",
        "int_aged_items",
        "            described.as_of_date = states.as_of_date\n            and described.item_key",
        "            described.item_key",
        "int_aged_items_key",
        "A disputed invoice would be owed once for each month of its dispute.",
    ),
    edited(
        "show_split_invoices_twice",
        "int_instalments",
        "    where invoices_with_instalments.document_key is null",
        "    where true",
        "instalments_sum_to_their_invoice",
        "An invoice in instalments would be owed whole and in parts.",
    ),
    edited(
        "age_from_the_date_of_the_document",
        "int_aged_items",
        "(reporting_spans.as_of_date - items.due_date)",
        "(reporting_spans.as_of_date - items.issue_date)",
        "open_items_are_aged_by_their_due_dates",
        "Every customer would look a month later than it is.",
    ),
    edited(
        "age_a_day_too_early",
        "int_aged_items",
        "(reporting_spans.as_of_date - items.due_date)",
        "(reporting_spans.as_of_date - items.due_date + 1)",
        "open_items_are_aged_by_their_due_dates",
        "What is due today would be called overdue, and reminded.",
    ),
    edited(
        "estimate_every_due_date",
        "int_instalments",
        "            invoices.due_date,\n            -- A debt",
        "            -- A debt",
        "open_items_are_aged_by_their_due_dates",
        "Customers with longer terms of their own would be chased too early.",
    ),
    edited(
        "leave_a_gap_between_buckets",
        "int_aging_buckets",
        "1 + lag(max_days_overdue)",
        "2 + lag(max_days_overdue)",
        "aging_buckets_cover_every_day",
        "What is 31 days overdue would stand in the wrong bucket.",
    ),
    edited(
        "leave_foreign_items_out",
        "fct_open_items",
        "        on aged_items.open_item_id = items.open_item_id\n",
        "        on\n            aged_items.open_item_id = items.open_item_id\n"
        "            and items.currency_code = items.company_currency_code\n",
        "open_items_equal_positions_and_movements",
        "What is owed in dollars would be missing from the list that people work with.",
    ),
    edited(
        "keep_items_with_a_promise_only",
        "fct_open_items",
        "    left join ranked_promises\n",
        "    inner join ranked_promises\n",
        "open_items_equal_positions_and_movements",
        "An inner join in place of a left one empties the list.",
    ),
    edited(
        "ignore_reversals",
        "int_settlement_events",
        "where reversed_on is not null",
        "where false",
        "positions_stay_within_the_item",
        "A debit that bounced would count as paid.",
    ),
    edited(
        "ignore_write_offs",
        "int_settlements",
        "        write_off_date as effective_date",
        "        cast('2999-01-01' as date) as effective_date",
        "customers_owe_what_was_delivered",
        "What was given up would be chased again.",
    ),
    edited(
        "count_drafts",
        "int_documents",
        "where status = 'posted' and refused_reason is null",
        "where refused_reason is null",
        "customers_owe_what_was_delivered",
        "Customers would owe what nobody has invoiced.",
    ),
    edited(
        "count_credit_notes_as_invoices",
        "int_items",
        "-amount_incl_tax as original_amount",
        "amount_incl_tax as original_amount",
        "customers_owe_what_was_delivered",
        "A credit would be owed instead of deducted: twice its amount too much.",
    ),
    edited(
        "count_refunds_as_receipts",
        "int_items",
        "case item_type when 'refund' then amount else -amount end as original_amount",
        "-amount as original_amount",
        "customers_owe_what_was_delivered",
        "What was given back would count as received again.",
    ),
    edited(
        "take_refunds_for_receipts",
        "int_payments",
        "payment_type when 'refund' then 'refund' else 'payment'",
        "payment_type when 'refund' then 'payment' else 'payment'",
        "customers_owe_what_was_delivered",
        "What was given back would count as received again.",
    ),
    edited(
        "settle_on_the_date_of_the_invoice",
        "int_allocations_checked",
        "greatest(source_date, target_date) as effective_date",
        "target_date as effective_date",
        "positions_stay_within_the_item",
        "Every invoice would look paid on the day it was issued, and every past balance too small.",
    ),
    edited(
        "end_positions_late",
        "int_open_item_positions",
        "lead(movement_date) over by_day as valid_to",
        "lead(movement_date, 2) over by_day as valid_to",
        "positions_do_not_overlap",
        "A paid invoice would still be open at past dates.",
    ),
    edited(
        "take_foreign_amounts_as_they_are",
        "int_documents",
        "        exchange_rate,\n        true as counts_as_revenue",
        "        1 as exchange_rate,\n        true as counts_as_revenue",
        "open_items_are_valued_at_their_own_rate",
        "Dollars would be added to euros.",
    ),
    edited(
        "turn_rates_round",
        "int_documents_checked",
        "            documents.exchange_rate,\n            -- 1 is",
        "            1 / documents.exchange_rate,\n            -- 1 is",
        "open_items_are_valued_at_their_own_rate",
        "A rate of 0.90 would be read as 1.11: a fifth too much.",
    ),
    edited(
        "round_movements_by_themselves",
        "int_receivable_movements",
        "round(open_amount * exchange_rate, company_minor_units)\n"
        "        - round((open_amount - amount) * exchange_rate, company_minor_units)",
        "round(amount * exchange_rate, 0)",
        "open_items_are_valued_at_their_own_rate",
        "The cents of every conversion would be lost.",
    ),
    edited(
        "revalue_at_the_oldest_rate",
        "fct_open_items",
        "order by rate_date desc",
        "order by rate_date",
        "revalued_amounts_rest_on_a_published_rate",
        "The value of today would rest on the market of years ago.",
    ),
    edited(
        "keep_closed_disputes",
        "int_aged_items",
        "item_states.closed_on is null\n",
        "item_states.closed_on is null or true\n",
        "states_in_force_are_shown",
        "Nobody would ask for money whose dispute was settled.",
    ),
    edited(
        "lose_disputes",
        "int_aged_items",
        "item_states.state_type in ('dispute', 'collection', 'litigation')",
        "item_states.state_type in ('collection', 'litigation')",
        "states_in_force_are_shown",
        "Customers would be reminded of what they dispute.",
    ),
    edited(
        "lose_cases_that_are_open",
        "int_item_states",
        "where refused_reason is null",
        "where refused_reason is null and closed_on is not null",
        "states_in_force_are_shown",
        "What is with the collection agency would be called simply overdue.",
    ),
    edited(
        "show_credits_as_not_due",
        "mart_outstanding",
        "then 'unapplied_credit'\n",
        "then 'not_due'\n",
        "unapplied_credit_is_shown_as_such",
        "Payments that nobody matched would hide among what is not due.",
    ),
    edited(
        "lose_disputed_items_from_the_outstanding",
        "mart_outstanding",
        "        or open_amount <> disputed_amount",
        "        or disputed_amount = 0",
        "outstanding_equals_aged_balance",
        "The undisputed part of a disputed invoice would be owed by nobody.",
    ),
    edited(
        "prove_the_figures_by_themselves",
        "mart_tie_out",
        "        balances.ledger_balance,\n        coalesce(positions",
        "        coalesce(positions.open_company_amount, 0) as ledger_balance,\n"
        "        coalesce(positions",
        "tie_out_compares_the_books",
        "The proof would succeed whatever the books say.",
        raw=ANOTHER_BALANCE,
    ),
    edited(
        "call_everything_tied",
        "mart_tie_out",
        "        balances.ledger_balance = coalesce(positions.open_company_amount, 0)\n        and",
        "        balances.ledger_balance is not null\n        and",
        "tie_out_compares_the_books",
        "A difference of any size would be called proven.",
        raw=ANOTHER_BALANCE,
    ),
    edited(
        "rank_debtors_before_credits",
        "mart_top_debtors",
        "sum(open_company_amount) as open_company_amount",
        "sum(greatest(open_company_amount, 0)) as open_company_amount",
        "debtors_owe_their_open_items",
        "The first to be called would be those that have paid already.",
    ),
    edited(
        "leave_credits_out_of_the_dso",
        "int_aged_items",
        "            when not counts_in_dso then 0\n            when",
        "            when not counts_in_dso or item_type <> 'invoice' then 0\n            when",
        "dso_rests_on_the_open_items",
        "The DSO would rise with every payment that waits to be matched.",
    ),
    edited(
        "count_revenue_without_tax",
        "int_document_revenue",
        "round(documents.amount_incl_tax * documents",
        "round(documents.amount_excl_tax * documents",
        "revenue_is_what_was_delivered",
        "Receivables with tax by sales without: every DSO a fifth too long.",
    ),
    edited(
        "read_every_version_of_a_document",
        "stg_files__documents",
        "newer.replaced_version = versions.version_no",
        "newer.replaced_version = -1",
        "stg_files__documents_key",
        "A corrected invoice would be owed before and after its correction.",
    ),
    edited(
        "keep_deleted_documents",
        "stg_files__documents",
        "    where not is_deleted",
        "    where true",
        TIE_OUT,
        "An invoice that was withdrawn would be owed for ever.",
    ),
    Made(
        "overlook_what_is_allocated_too_much",
        "positions_stay_within_the_item",
        "An invoice would be paid beyond its amount.",
        (
            ModelEdit(
                "int_allocations_checked",
                "            when greatest(amount, allocated_of_target) > target_amount"
                " then 'amount'\n",
                "",
            ),
            ModelEdit(
                "int_allocations_checked",
                "            when greatest(amount, allocated_of_target) > target_amount\n",
                "            when false\n",
            ),
        ),
        "update raw_files.documents set amount_incl_tax = (amount_incl_tax::numeric / 2)::text"
        " where document_id = 'INV-03-1' and entity_id = 'good'",
    ),
)
RAW = (
    Made(
        "delete_raw_documents",
        "int_refused_rows.no_row_was_refused",
        "Rows that were loaded and are gone: what settled them refers to nothing.",
        raw="delete from raw_files.documents where document_id > 'INV-07' and entity_id = 'good'",
    ),
    Made(
        "double_raw_documents",
        "stg_files__documents_key",
        "A table restored over itself: every invoice is owed twice.",
        raw="""
        do $$ declare columns text; begin
            select string_agg(quote_ident(column_name), ', ') into columns
            from information_schema.columns
            where table_schema = 'raw_files' and table_name = 'documents'
            and column_name not in ('version_no', 'replaced_version');
            execute 'insert into raw_files.documents (' || columns || ') select ' || columns
            || ' from raw_files.documents where entity_id = ''good''';
        end $$""",
    ),
    Made(
        "edit_raw_payments",
        TIE_OUT,
        "An amount changed in the warehouse is in no source.",
        raw="update raw_files.payments set amount = (amount::numeric * 10)::text"
        " where payment_id = 'PAY-05-1' and entity_id = 'good'",
    ),
    Made(
        "move_raw_rows_to_another_company",
        "int_refused_rows.no_row_was_refused",
        "What one company is owed would stand in the books of another.",
        raw="update raw_files.documents set entity_id = 'good' where entity_id = 'good_and_bare'",
    ),
    Made(
        "lose_exchange_rates",
        "int_revaluation_rates.open_currencies_have_a_rate",
        "What is owed in dollars would have no value today.",
        raw="delete from raw_files.exchange_rates",
    ),
    Made(
        "stop_exchange_rates",
        "int_revaluation_rates.rates_are_not_too_old",
        "The value of today would rest on the market of two months ago.",
        raw="delete from raw_files.exchange_rates where rate_date > '2025-04-01'",
    ),
    Made(
        "turn_exchange_rates_round",
        "int_drift.published_exchange_rates_did_not_jump",
        "Dollars would be worth a fifth more overnight.",
        raw="update raw_files.exchange_rates set rate = round(1 / rate::numeric, 6)::text",
    ),
    Made(
        "hear_nothing_for_five_months",
        "int_source_freshness.mandatory_ledgers_are_fresh",
        "Receivables of five months ago would be shown as those of today.",
        later_by=timedelta(days=150),
    ),
)
