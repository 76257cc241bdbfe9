"""A check that is red, cut off or absent holds: nothing that was not proved gets out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import psycopg
import pytest
import warehouse_steps as steps
from plain_books import write_plain_books

from encours.orchestration import build
from encours.quality.model_tests import expected_tests
from encours.quality.results import TIMEOUT, CheckResult
from encours.settings import Settings, project_root
from encours.transform import dbt
from encours.warehouse import ledger
from encours.warehouse.connections import open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("complete_audit")]

AS_OF = date(2026, 6, 30)
ANNOUNCED = """
announced:
  - {measure: moved_due_dates, from: 2026-06-01, until: 2026-07-31, reason: 60 days for all}
"""


@dataclass(frozen=True)
class Audited:
    """A candidate whose checks have all been run, and the gate's answer to them."""

    home: Settings
    build: dbt.Build
    decision: str
    results: list[CheckResult]

    def reasons_to_hold_without(self, checks: Collection[str]) -> list[str]:
        """The gate's reasons when these checks had never reported anything."""
        kept = [result for result in self.results if result.check_name not in checks]
        with steps.pipeline(self.home) as connection:
            ledger.write_check_results(connection, self.build.run_id, kept)
        assert build.decide_publication(self.home, self.build.run_id) == "hold"
        return self.reasons_to_hold

    @property
    def reasons_to_hold(self) -> list[str]:
        with steps.pipeline(self.home) as connection:
            verdict = ledger.read_verdict(connection, self.build.run_id)
        assert verdict is not None
        return list(verdict["reasons"])


def results_of(home: Settings, run_id: str) -> list[CheckResult]:
    with steps.pipeline(home) as connection:
        return ledger.read_check_results(connection, run_id)


@pytest.fixture(scope="module")
def audited(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    books = tmp_path_factory.mktemp("books")
    write_plain_books(40, AS_OF, books / "demo", books / "plain")
    steps.ingest_files(home, books / "plain")
    (home.home / "policies.yml").write_text(ANNOUNCED)
    opened = steps.build_candidate(home, as_of=AS_OF)
    decision = steps.judge(home, opened)
    return Audited(home, opened, decision, results_of(home, opened.run_id))


def test_good_books_pass_every_check_that_is_expected(audited: Audited) -> None:
    assert audited.decision == "publish"


def test_what_policies_announce_is_told_with_its_reason(audited: Audited) -> None:
    told = [result for result in audited.results if "announced: " in (result.observed_value or "")]

    assert [(one.check_name, one.severity, one.observed_value) for one in told] == [
        (
            "no_check_of_the_batch_is_put_aside",
            "warning",
            "until 2026-07-31, announced: 60 days for all",
        )
    ]


def test_a_model_test_that_reported_nothing_holds(audited: Audited) -> None:
    reasons = audited.reasons_to_hold_without({"dim_customer_key", "ratios_are_shares"})

    assert sorted(reasons) == [
        "across_models: ratios_are_shares: not checked: it reported no result",
        "dim_customer: dim_customer_key: not checked: it reported no result",
    ]


def test_an_audit_that_ran_no_model_test_holds(audited: Audited) -> None:
    tests = {name for _, name in expected_tests(project_root() / "dbt_project")}

    reasons = audited.reasons_to_hold_without(tests)

    assert len(reasons) > 200


def test_model_tests_that_are_red_or_cut_off_hold_and_a_warning_does_not(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    with steps.pipeline(audited.home) as connection:
        connection.execute(
            "update marts_candidate.fct_open_items set days_overdue = days_overdue + 1;"
            " insert into marts_candidate.mart_late_payments"
            " select * from marts_candidate.mart_late_payments;"
            " update marts_candidate.mart_dso set scope_type = 'world';"
            " update marts_candidate.dim_customer set parent_customer_id = 'nobody'"
        )
    monkeypatch.setattr(build, "CHECK_TIMEOUT_SECONDS", 5)

    with psycopg.connect(open_warehouse(audited.home).pipeline_url) as somebody_else:
        # Only its own key test reads this table.
        somebody_else.execute("lock table reference.opening_journals in access exclusive mode")
        decision = steps.judge(audited.home, audited.build)

    states = {
        result.check_name: (result.state, result.severity, result.details)
        for result in results_of(audited.home, audited.build.run_id)
    }
    holding = {reason.split(": ")[1] for reason in audited.reasons_to_hold}
    assert decision == "hold"
    assert states["opening_journals_key"] == ("not_checked", "critical", TIMEOUT)
    assert states["dim_customer_parent_exists"][:2] == ("failed", "warning")
    assert states["dim_customer_key"][0] == "passed"
    assert {
        "open_items_are_aged_by_their_due_dates",
        "mart_late_payments_key",
        "mart_dso_scope_type_known",
        "opening_journals_key",
    } <= holding
    assert "dim_customer_parent_exists" not in holding
