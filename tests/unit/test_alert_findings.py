"""What of the gate's findings may be told to whoever reads a channel."""

from __future__ import annotations

import pytest

from encours.alerts.notices import Finding, Quantity
from encours.orchestration.alert_findings import absent, findings, holding, without_data
from encours.quality.results import CheckResult
from encours.quality.suites import Expectation, Suite

NAME, AMOUNT = "Boulangerie Canari", "98765.43"


def result(observed: str | None, **facts: object) -> CheckResult:
    given = {
        "table_name": "mart_dso",
        "check_name": "rule_holds",
        "severity": "critical",
        "state": "failed",
        "details": f"{observed}: {NAME}",
        "sample_keys": (),
        "why": "It must hold.",
    }
    return CheckResult(observed_value=observed, **(given | facts))  # type: ignore[arg-type]


def suite(*sample_key: str) -> Suite:
    rule = Expectation(
        "rule_holds", "unexpected_rows", "critical", "It must hold.", {}, sample_key=sample_key
    )
    return Suite("marts", "mart_dso", "finance", (rule,))


def found(observed: str | None, *sample_key: str, **facts: object) -> Finding:
    (one,) = findings([result(observed, **facts)], [suite(*sample_key)])
    return one


def test_figure_of_one_customer_becomes_a_number_of_rows() -> None:
    assert found(AMOUNT, "customer_id").observed == Quantity("1", "rows")
    assert found(f"{AMOUNT} and 4 more", "open_item_id").observed == Quantity("5", "rows")
    assert found(AMOUNT, "scope_type", "scope_value").observed == Quantity("1", "rows")


def test_figure_of_rows_without_a_key_is_not_told() -> None:
    assert found(AMOUNT).observed == Quantity("1", "rows")


def test_rule_of_the_models_counts_rows() -> None:
    (one,) = findings([result("4", table_name="fct_open_items")], [suite()])

    assert one.observed == Quantity("4", "rows")


def test_figure_of_an_entity_is_told() -> None:
    assert found("0.43 and 1 more", "entity_id").observed == Quantity("0.43", "number")


def test_rows_are_told_as_rows() -> None:
    assert found("3 rows", "customer_id").observed == Quantity("3", "rows")
    assert found("5 of 200 rows", "customer_id").observed == Quantity("5", "rows")


def test_words_that_were_observed_are_not_told() -> None:
    assert found(NAME, "entity_id").observed == Quantity("unknown", "word")


def test_nothing_of_a_customer_is_in_any_finding() -> None:
    told = repr(
        [
            found(observed, *keys, sample_keys=(f"lyon|{NAME}",), details=f"{NAME} {AMOUNT}")
            for observed in (AMOUNT, f"{AMOUNT} and 2 more", NAME, None)
            for keys in (("entity_id", "customer_id"), ("customer_id",), ("open_item_id",))
        ]
    )

    assert NAME not in told
    assert AMOUNT not in told


def test_entities_are_read_from_the_keys_of_the_rows() -> None:
    one = found("2 rows", "customer_id", "entity_id", sample_keys=(f"{NAME}|lyon", f"{NAME}|paris"))

    assert one.entity_ids == ("lyon", "paris")


def test_expected_numbers_are_those_of_the_check() -> None:
    limited = Expectation(
        "rule_holds",
        "expect_table_row_count_to_be_between",
        "critical",
        "It must hold.",
        {"min_value": 10, "max_value": 20},
    )
    (one,) = findings([result("7")], [Suite("marts", "mart_dso", "finance", (limited,))])

    assert one.observed == Quantity("7", "number")
    assert one.expected == Quantity("10", "number", high="20")


def test_check_that_did_not_run_has_no_answer() -> None:
    one = found(None, "customer_id", state="not_checked")

    assert one.observed == Quantity("no_answer", "word")
    assert one.expected == Quantity("an_answer", "word")


def test_holding_are_the_critical_failures_and_what_was_not_checked() -> None:
    results = [
        result("1", check_name="a"),
        result("1", check_name="b", severity="warning"),
        result("1", check_name="c", state="passed"),
        result(None, check_name="d", severity="info", state="not_checked"),
    ]

    assert [one.check_name for one in holding(results)] == ["a", "d"]


def test_check_that_reported_nothing_is_told_too() -> None:
    reasons = (
        "mart_dso: rule_holds: failed: 3 rows; It must hold.",
        "mart_tie_out: books_agree: not checked: it reported no result",
    )

    assert [one.what for one in absent(reasons, [result("3 rows")])] == [
        "mart_tie_out / books_agree"
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (f"documents.csv line 12: '{NAME}' is no date", "documents.csv line 12: '…' is no date"),
        (f'Key (name)=("{NAME}") exists', "Key (name)=('…') exists"),
        (f"the instalments sum to {AMOUNT}", "the instalments sum to …"),
        ("the instalments sum to 98 765,43", "the instalments sum to …"),
        ("page 3 of 12 is missing", "page 3 of 12 is missing"),
        ("dbt 1.11.16 did not start", "dbt 1.11.16 did not start"),
    ],
)
def test_error_is_told_without_what_it_quotes(line: str, told: str) -> None:
    assert without_data(line) == told
