"""`dbt build` on the demo books: everything is green, and every equation can be red."""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest
from built_warehouse import BuiltWarehouse
from dbt_project_files import TESTS

from corruptions.catalogue import MADE
from encours.quality.results import MAX_SAMPLE_KEYS
from encours.warehouse.failing_rows import FoundKeys, find_keys

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dbt")]

EQUATIONS = sorted(path.stem for path in TESTS if path.parent.name == "tests")

# What must turn each equation red.
MUTATIONS = {
    "aged_balance_equals_movements": """
        delete from marts_candidate.mart_aged_balance where bucket = 'overdue_over_120'""",
    "aged_balances_of_scopes_sum_to_the_whole": """
        delete from marts_candidate.mart_aged_balance_by_scope where scope_type = 'entity'
        and bucket = 'not_due'""",
    "aging_buckets_cover_every_day": """
        update intermediate.int_aging_buckets set max_days_overdue = 29
        where bucket = 'overdue_1_30'""",
    "best_possible_dso_is_not_above_dso": """
        update marts_candidate.mart_dso set dso_best_possible = dso_countback + 0.01""",
    "cohorts_leave_open_what_is_open": """
        update marts_candidate.mart_invoice_cohorts
        set open_company_amount = open_company_amount + 0.01""",
    "cohorts_split_what_was_billed": """
        update marts_candidate.mart_invoice_cohorts
        set collected_company_amount = collected_company_amount + billed_company_amount
        where age_months = 1""",
    "customers_owe_what_was_delivered": """
        update marts_candidate.fct_open_items set open_amount = open_amount + 0.01
        where source = 'files' and item_type = 'invoice'""",
    "debtors_owe_their_open_items": """
        update marts_candidate.mart_top_debtors
        set open_company_amount = open_company_amount + 0.01""",
    "disputed_is_part_of_open": """
        update intermediate.int_aged_items set disputed_company_amount = open_company_amount + 0.01
        where item_type = 'invoice'""",
    "dso_bridge_explains_the_change": """
        update marts_candidate.mart_dso_bridge
        set dispute_effect_days = dispute_effect_days + 0.01""",
    "dso_explanation_adds_up": """
        update marts_candidate.mart_dso_explain set days_added = days_added + 0.01""",
    "dso_receivables_equal_aged_balance": """
        update marts_candidate.mart_dso
        set outstanding_company_amount = outstanding_company_amount + 0.01""",
    "dso_rests_on_the_open_items": """
        update marts_candidate.mart_dso
        set dso_receivables_company_amount = dso_receivables_company_amount + 0.01
        where scope_type = 'entity'""",
    "ledger_periods_do_not_overlap": """
        update intermediate.int_ledger_years set first_entry_date = first_entry_date - 1""",
    "instalments_sum_to_their_invoice": """
        delete from intermediate.int_items where instalment_no = 2""",
    "issue_buckets_sum_to_the_total": """
        update marts_candidate.mart_aged_balance_by_issue_date
        set open_company_amount = open_company_amount + 0.01 where issue_bucket = 'issued_0_30'""",
    "kpi_balances_equal_aged_balance": """
        update marts_candidate.mart_kpi_monthly
        set overdue_company_amount = overdue_company_amount + 0.01""",
    "kpi_flows_equal_movements": """
        delete from marts_candidate.mart_kpi_monthly where receipts_company_amount > 0""",
    "late_payments_add_up": """
        update marts_candidate.mart_late_payments
        set paid_company_amount = paid_company_amount + 0.01,
            late_company_amount = late_company_amount + 0.01
        where scope_type = 'entity'""",
    "open_items_are_aged_by_their_due_dates": """
        update marts_candidate.fct_open_items set days_overdue = days_overdue + 1
        where item_type = 'invoice'""",
    "open_items_are_valued_at_their_own_rate": """
        update marts_candidate.fct_open_items set open_company_amount = open_amount
        where currency_code <> company_currency_code""",
    "open_items_are_what_settlements_left": """
        update marts_candidate.fct_open_items set credited_amount = credited_amount + 0.01
        where item_type = 'invoice'""",
    "open_items_equal_positions_and_movements": """
        update marts_candidate.fct_open_items set open_company_amount = open_company_amount + 0.01
        where item_type = 'payment'""",
    "outstanding_equals_aged_balance": """
        delete from marts_candidate.mart_outstanding where status = 'unapplied_credit'""",
    "positions_do_not_overlap": """
        update intermediate.int_open_item_positions set valid_to = valid_to + 1""",
    "positions_stay_within_the_item": """
        update intermediate.int_open_item_positions set open_amount = -open_amount
        where item_type = 'payment'""",
    "ratios_are_shares": """
        update marts_candidate.mart_dso set overdue_ratio_amount = overdue_ratio_amount * 100""",
    "restatements_explain_the_aged_balance": """
        update marts_candidate.mart_aged_balance set open_company_amount = open_company_amount + 1
        where bucket = 'not_due';
        create or replace view previous.publication_info as
        select
            cast('pub-000001' as text) as publication_id,
            as_of_date,
            known_on - interval '1 day' as known_on
        from marts_candidate.publication_info;
        create or replace view previous.mart_aged_balance as
        select
            as_of_date, entity_id, customer_id, bucket, bucket_order,
            cast(0 as numeric) as open_company_amount
        from marts_candidate.mart_aged_balance""",
    "payer_classes_cover_every_day": """
        update reference.payer_classes set to_days_late = 9 where payer_class = 'slightly_late'""",
    "payer_ranks_and_shares_add_up": """
        update marts_candidate.mart_payer_behaviour set revenue_share_ytd = 100 * revenue_share_ytd
        where revenue_share_ytd > 0""",
    "revenue_is_what_was_delivered": """
        update marts_candidate.mart_kpi_monthly
        set revenue_company_amount = revenue_excl_tax_company_amount""",
    "revalued_amounts_rest_on_a_published_rate": """
        update marts_candidate.fct_open_items set open_revalued_amount = open_amount
        where currency_code <> company_currency_code""",
    "roll_rates_sum_to_one": """
        delete from marts_candidate.mart_roll_rates where to_state = 'credited'""",
    "settlements_explain_what_is_open": """
        delete from intermediate.int_invoice_settlements where settlement_type = 'write_off'""",
    "settled_items_are_zero_in_company_currency": """
        update intermediate.int_receivable_movements
        set company_amount = company_amount + 0.01 where movement_type = 'payment'""",
    "settlements_create_no_money": """
        delete from intermediate.int_receivable_movements
        where movement_type = 'payment' and item_type = 'invoice'""",
    "states_in_force_are_shown": """
        update marts_candidate.fct_open_items set is_disputed = not is_disputed
        where item_type = 'invoice'""",
    "tie_out_compares_the_books": """
        update marts_candidate.mart_tie_out set ledger_balance = open_items_total + 1,
            difference = 1, is_tied = false""",
    "tie_out_shows_the_aged_balance": """
        update marts_candidate.mart_tie_out set aged_balance_total = aged_balance_total + 0.01""",
    "unapplied_credit_is_shown_as_such": """
        update marts_candidate.mart_outstanding set status = 'not_due'
        where status = 'unapplied_credit'""",
    "unapplied_policy_keeps_the_total": """
        update marts_candidate.mart_aged_balance set open_company_amount = 0
        where bucket = 'unapplied_credit'""",
}


def test_the_whole_project_builds_and_every_test_is_green(built_warehouse: BuiltWarehouse) -> None:
    kinds = Counter(result["unique_id"].split(".")[0] for result in built_warehouse.results)
    broken = {
        result["unique_id"]: result["message"]
        for result in built_warehouse.results
        if result["status"] not in ("success", "pass")
    }

    assert broken == {}, built_warehouse.log
    assert kinds["model"] > 60
    assert kinds["seed"] == 10
    assert kinds["test"] > 100
    assert kinds["unit_test"] > 120


def test_flat_files_and_ledgers_owe_what_the_demo_company_is_owed(
    built_warehouse: BuiltWarehouse,
) -> None:
    with psycopg.connect(built_warehouse.url) as connection:
        rows = connection.execute(
            "select source, sum(open_company_amount) from marts_candidate.fct_open_items"
            " group by source"
        ).fetchall()

    expected = Counter()
    for name, amount in built_warehouse.receivable.items():
        expected[name.partition(":")[0]] += amount
    assert dict(rows) == expected


def test_every_equation_has_a_mutation() -> None:
    assert sorted(MUTATIONS) == EQUATIONS


@pytest.mark.parametrize("equation", EQUATIONS)
def test_equation_turns_red(built_warehouse: BuiltWarehouse, equation: str) -> None:
    with psycopg.connect(built_warehouse.url) as connection:
        before = _failures(connection, built_warehouse, equation)
        changed = connection.execute(MUTATIONS[equation]).rowcount
        after = _failures(connection, built_warehouse, equation)
        connection.rollback()

    assert changed > 0
    assert (before, after > 0) == (0, True)


@pytest.mark.parametrize(
    ("test", "mutation"),
    [
        ("fct_open_items_key", "insert into {items} select * from {items}"),
        ("fct_open_items_key", "update {items} set open_item_id = null"),
        ("fct_open_items_filled", "update {items} set customer_id = null"),
        ("fct_open_items_filled", "update {items} set disputed_company_amount = null"),
        ("fct_open_items_customer_exists", "update {items} set customer_id = 'nobody'"),
        # Two that look at some of the rows only.
        ("fct_open_items_bucket_exists", "update {items} set bucket = 'unapplied_credit'"),
        ("mart_dso_scope_type_known", "update marts_candidate.mart_dso set scope_type = 'world'"),
    ],
)
def test_test_of_a_table_turns_red(
    built_warehouse: BuiltWarehouse, test: str, mutation: str
) -> None:
    compiled = built_warehouse.compiled(test)

    with psycopg.connect(built_warehouse.url) as connection:
        before = len(connection.execute(compiled).fetchall())  # type: ignore[arg-type]
        connection.execute(mutation.format(items="marts_candidate.fct_open_items"))  # type: ignore[arg-type]
        after = len(connection.execute(compiled).fetchall())  # type: ignore[arg-type]
        connection.rollback()

    assert (before, after > 0) == (0, True)


def test_rows_of_a_failed_test_are_named_by_keys_alone(built_warehouse: BuiltWarehouse) -> None:
    with psycopg.connect(built_warehouse.url) as connection:
        connection.execute("update marts_candidate.fct_open_items set original_amount = null")
        found = find_keys(connection, built_warehouse.compiled("fct_open_items_filled"))
        unknown = find_keys(connection, "select nothing")
        connection.rollback()

    assert {"entity_id", "open_item_id", "issue_date"} <= set(found.columns)
    assert not {"document_number", "open_amount", "bucket_order"} & set(found.columns)
    assert len(found.keys) == MAX_SAMPLE_KEYS
    assert {len(key.split("|")) for key in found.keys} == {len(found.columns)}
    assert unknown == FoundKeys()


def test_what_the_catalogue_corrupts_is_in_the_models(built_warehouse: BuiltWarehouse) -> None:
    lost = [
        corruption.name
        for corruption in MADE
        for edit in corruption.edits
        if built_warehouse.compiled(edit.model).count(edit.before) != 1
    ]

    assert lost == []


def _failures(connection: psycopg.Connection, built: BuiltWarehouse, equation: str) -> int:
    return len(connection.execute(built.compiled(equation)).fetchall())  # type: ignore[arg-type]
