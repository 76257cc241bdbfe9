"""What policies.yml announces passes the checks of the batch, for its company, and is told."""

from __future__ import annotations

import csv
from collections.abc import Callable

import pytest
from candidate import execute
from mutations import MUTATIONS

from encours.quality.checkpoint import CheckResult
from encours.quality.suites import load_suites
from encours.settings import project_root

# What int_drift judges honours announcements there; these checks do so one by one.
CHECKS = {
    "future_documents": ("fct_documents", "documents_are_not_of_the_future"),
    "rate_deviation": ("fct_documents", "rates_agree_with_the_published_ones"),
    "untaxed_share": ("fct_documents", "amounts_contain_their_tax_as_before"),
    "moved_due_dates": ("fct_open_items", "published_due_dates_stand"),
}
TOLD = ("int_announced_changes", "no_check_of_the_batch_is_put_aside")

Audit = Callable[..., dict[str, CheckResult]]


def announced(candidate: str, audit: Audit, measure: str, entity_id: str) -> dict[str, CheckResult]:
    """The checks of a candidate that is beyond the limit, where that is announced."""
    table, check = CHECKS[measure]
    execute(candidate, MUTATIONS[table, check])
    execute(
        candidate,
        "insert into intermediate.int_announced_changes values"
        f" ('{entity_id}', '{measure}', 'new terms', date '2025-02-28')",
    )
    suites = load_suites(project_root() / "expectations")
    return audit(*[suite for suite in suites if suite.table in (table, TOLD[0])])


def test_every_limit_of_the_batch_that_may_be_announced_has_its_check() -> None:
    path = project_root() / "dbt_project" / "seeds" / "thresholds.csv"
    with open(path, newline="", encoding="utf-8") as file:
        limits = list(csv.DictReader(file))

    assert set(CHECKS) == {
        row["measure"]
        for row in limits
        if row["change_kind"] == "level" and row["may_be_announced"] == "true"
    }


@pytest.mark.slow
@pytest.mark.parametrize("measure", CHECKS)
def test_what_is_announced_is_told_and_does_not_hold(
    candidate: str, audit: Audit, measure: str
) -> None:
    results = announced(candidate, audit, measure, "fr01")

    assert results[CHECKS[measure][1]].state == "passed"
    told = results[TOLD[1]]
    assert (told.state, told.severity) == ("failed", "warning")
    assert told.observed_value == "until 2025-02-28, announced: new terms"
    assert told.sample_keys == (f"fr01|{measure}",)


@pytest.mark.slow
@pytest.mark.parametrize("measure", CHECKS)
def test_what_another_company_announced_holds(candidate: str, audit: Audit, measure: str) -> None:
    results = announced(candidate, audit, measure, "fr02")

    assert results[CHECKS[measure][1]].state == "failed"
