"""The decision of the gate: every rule of publish and hold."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from encours.quality.checkpoint import CheckResult, State
from encours.quality.suites import Severity
from encours.quality.verdict import NOTHING_CHECKED, decide


def result(
    state: State = "passed",
    severity: Severity = "critical",
    *,
    table: str = "mart_tie_out",
    check: str = "receivables_agree_with_the_ledger",
    observed: str | None = None,
    details: str = "",
) -> CheckResult:
    return CheckResult(
        table_name=table,
        check_name=check,
        severity=severity,
        state=state,
        observed_value=observed,
        details=details,
        sample_keys=(),
        why="The books and the open items differ.",
    )


def names(results: Sequence[CheckResult]) -> list[tuple[str, str]]:
    return [(one.table_name, one.check_name) for one in results]


any_result = st.builds(
    CheckResult,
    table_name=st.sampled_from(["mart_dso", "mart_tie_out"]),
    check_name=st.sampled_from(["a", "b", "c", "d"]),
    severity=st.sampled_from(["critical", "warning", "info"]),
    state=st.sampled_from(["passed", "failed", "not_checked"]),
    observed_value=st.sampled_from([None, "0 rows"]),
    details=st.sampled_from(["", "3 rows: a, b"]),
    sample_keys=st.just(()),
    why=st.just("Because."),
)


def test_passed_checks_publish() -> None:
    results = [result(), result(check="another")]

    verdict = decide(results, expected=names(results))

    assert verdict.decision == "publish"
    assert verdict.reasons == ()
    assert verdict.checks == {"passed": 2, "warned": 0, "failed": 0, "not_checked": 0}


def test_a_failed_critical_check_holds() -> None:
    verdict = decide([result("failed", "critical")], expected=[])

    assert verdict.decision == "hold"
    assert verdict.failed == 1


def test_a_failed_warning_publishes_and_is_reported() -> None:
    verdict = decide([result("failed", "warning", details="3 rows")], expected=[])

    assert verdict.decision == "publish"
    assert verdict.warned == 1
    assert verdict.warnings == (
        "mart_tie_out: receivables_agree_with_the_ledger: warning: 3 rows;"
        " The books and the open items differ.",
    )


def test_a_failed_info_publishes_and_counts_as_warned() -> None:
    verdict = decide([result("failed", "info")], expected=[])

    assert verdict.decision == "publish"
    assert verdict.warned == 1


def test_an_info_check_that_could_not_run_holds() -> None:
    verdict = decide([result("not_checked", "info")], expected=[])

    assert verdict.decision == "hold"
    assert verdict.not_checked == 1


def test_an_expected_check_without_a_result_holds_and_is_named() -> None:
    verdict = decide([result()], expected=[*names([result()]), ("mart_dso", "dso_is_stable")])

    assert verdict.decision == "hold"
    assert verdict.not_checked == 1
    assert verdict.reasons == ("mart_dso: dso_is_stable: not checked: it reported no result",)


def test_the_same_check_on_another_table_is_no_answer() -> None:
    verdict = decide([result(table="a", check="x")], expected=[("b", "x")])

    assert verdict.decision == "hold"


def test_no_result_at_all_holds_even_when_nothing_was_expected() -> None:
    verdict = decide([], expected=[])

    assert verdict.decision == "hold"
    assert verdict.reasons == (NOTHING_CHECKED,)


def test_a_reason_is_one_line_with_table_check_observed_and_why() -> None:
    failed = result("failed", observed="difference\n0.01")

    verdict = decide([failed], expected=[])

    assert verdict.reasons == (
        "mart_tie_out: receivables_agree_with_the_ledger: failed: difference 0.01;"
        " The books and the open items differ.",
    )


def test_a_state_that_nobody_knows_holds() -> None:
    strange = result("skipped")  # type: ignore[arg-type]

    verdict = decide([strange], expected=[])

    assert (verdict.decision, verdict.not_checked) == ("hold", 1)


@given(st.lists(any_result), any_result)
def test_one_check_that_could_not_run_always_holds(
    others: list[CheckResult], some: CheckResult
) -> None:
    unknown = CheckResult(**{**vars(some), "state": "not_checked"})

    verdict = decide([*others, unknown], expected=[])

    assert verdict.decision == "hold"


@given(st.lists(any_result))
def test_publish_means_something_passed_or_warned_and_nothing_worse(
    results: list[CheckResult],
) -> None:
    verdict = decide(results, expected=names(results))

    expected = bool(results) and all(
        one.state == "passed" or (one.state == "failed" and one.severity != "critical")
        for one in results
    )
    assert (verdict.decision == "publish") == expected


@given(st.lists(any_result))
def test_every_result_is_counted_once(results: list[CheckResult]) -> None:
    verdict = decide(results, expected=names(results))

    assert sum(verdict.checks.values()) == len(results)


@given(st.lists(any_result, min_size=1), st.data())
def test_losing_a_result_never_turns_a_hold_into_a_publication(
    results: list[CheckResult], data: st.DataObject
) -> None:
    expected = names(results)
    lost = data.draw(st.sampled_from(results))
    kept = [one for one in results if names([one]) != names([lost])]

    verdict = decide(kept, expected=expected)

    assert verdict.decision == "hold"
