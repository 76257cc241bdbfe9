"""What of the gate's findings may be told to whoever reads a channel."""

from __future__ import annotations

import pytest

from encours.alerts.notices import Finding, Quantity
from encours.orchestration.alert_findings import absent, findings, holding, without_data
from encours.quality.results import CheckResult

NAME, AMOUNT = "Boulangerie Canari", "98765.43"


def result(observed: str | None = None, *sample_columns: str, **facts: object) -> CheckResult:
    given = {
        "table_name": "mart_dso",
        "check_name": "rule_holds",
        "severity": "critical",
        "state": "failed",
        "details": f"{observed}: {NAME}",
        "sample_keys": (),
        "why": "It must hold.",
        "row_count": 1,
    }
    return CheckResult(
        observed_value=observed,
        sample_columns=sample_columns,
        **(given | facts),  # type: ignore[arg-type]
    )


def found(observed: str | None = None, *sample_columns: str, **facts: object) -> Finding:
    (one,) = findings([result(observed, *sample_columns, **facts)])
    return one


@pytest.mark.parametrize("key", ["customer_id", "open_item_id", "scope_value"])
def test_figures_of_a_customer_become_a_number_of_rows(key: str) -> None:
    one = found(AMOUNT, "entity_id", key, figure=AMOUNT, at_least="0", at_most="0", row_count=5)

    assert (one.observed, one.expected) == (Quantity("5", "rows"), Quantity("0", "rows"))
    assert one.more_count == 0


def test_rule_of_the_models_counts_rows() -> None:
    one = found("4", table_name="fct_open_items", row_count=4)

    assert (one.observed, one.expected) == (Quantity("4", "rows"), Quantity("0", "rows"))


def test_figure_of_an_entity_is_told_with_what_it_should_have_been() -> None:
    one = found(f"{NAME} and 1 more", "entity_id", figure="7.50", at_most="5", row_count=2)

    assert one.observed == Quantity("7.50", "number")
    assert one.expected == Quantity("5", "number", "at_most")
    assert one.more_count == 1


@pytest.mark.parametrize(
    ("low", "high", "told"),
    [
        ("10", None, Quantity("10", "days", "at_least")),
        ("10", "20", Quantity("10", "days", high="20")),
        ("10", "10", Quantity("10", "days")),
    ],
)
def test_expected_numbers_are_those_of_the_check(
    low: str | None, high: str | None, told: Quantity
) -> None:
    one = found("7", figure="7", at_least=low, at_most=high, unit="days", row_count=None)

    assert (one.observed, one.expected) == (Quantity("7", "days"), told)


def test_day_that_is_missing_is_told_as_nothing() -> None:
    day = "2025-01-31"
    one = found(None, at_least=day, at_most=day, unit="day")

    assert (one.observed, one.expected) == (Quantity("nothing", "word"), Quantity(day, "day"))


def test_result_of_an_earlier_version_is_told_without_a_number() -> None:
    assert found("3 rows", row_count=None).observed == Quantity("unknown", "word")


def test_nothing_of_a_customer_is_in_any_finding() -> None:
    told = repr(
        [
            found(
                observed,
                *keys,
                figure=AMOUNT,
                at_most=AMOUNT,
                sample_keys=(f"lyon|{NAME}",),
                details=f"{NAME} {AMOUNT}",
            )
            for observed in (AMOUNT, f"{AMOUNT} and 2 more", NAME, None)
            for keys in (("entity_id", "customer_id"), ("customer_id",), ("open_item_id",))
        ]
    )

    assert NAME not in told
    assert AMOUNT not in told


def test_entities_are_named_in_the_order_of_the_rows() -> None:
    keys = (f"{NAME}|paris", f"{NAME}|lyon", f"{NAME}|paris", f"{NAME}|")

    one = found("4 rows", "customer_id", "entity_id", sample_keys=keys)

    assert one.entity_ids == ("paris", "lyon")


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
