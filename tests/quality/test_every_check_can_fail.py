"""Every expectation is seen green on a good batch and red on a batch that is wrong its way."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from candidate import SCHEMAS, execute
from mutations import MUTATIONS

from encours.alerts.notices import Quantity
from encours.orchestration.alert_findings import OF_MANY, findings
from encours.quality.checkpoint import FIRST_PUBLICATION, CheckResult, run_suites
from encours.quality.suites import Expectation, Suite, expected_checks, load_suites
from encours.quality.verdict import decide
from encours.settings import project_root

SUITES = load_suites(project_root() / "expectations")
CHECKS = {
    (suite.table_name, one.name): (suite, one) for suite in SUITES for one in suite.expectations
}

READ: Mapping[str, Callable[[str], Any]] = {
    "day": date.fromisoformat,
    "moment": datetime.fromisoformat,
}
Audit = Callable[..., dict[str, CheckResult]]


def test_every_expectation_has_a_mutation_and_every_mutation_an_expectation() -> None:
    assert sorted(MUTATIONS) == sorted(CHECKS)


def test_every_expectation_is_named_once() -> None:
    assert len(expected_checks(SUITES)) == len(CHECKS)


@pytest.mark.slow
def test_the_good_candidate_passes_everything_and_is_published(candidate: str) -> None:
    results = run_suites(
        SUITES,
        database_url=candidate,
        schemas=SCHEMAS,
        published_schema_exists=True,
        timeout_seconds=20,
    )

    assert [result for result in results if result.state != "passed"] == []
    assert all(result.observed_value for result in results)
    assert decide(results, expected=expected_checks(SUITES)).decision == "publish"


@pytest.mark.slow
def test_comparisons_pass_with_a_note_on_the_first_publication(candidate: str) -> None:
    execute(candidate, "drop schema marts cascade")

    results = run_suites(
        SUITES,
        database_url=candidate,
        schemas=SCHEMAS,
        published_schema_exists=False,
        timeout_seconds=20,
    )

    assert {result.state for result in results} == {"passed"}
    noted = {
        (result.table_name, result.check_name)
        for result in results
        if result.details == FIRST_PUBLICATION
    }
    assert noted == {key for key, (_, one) in CHECKS.items() if one.needs_publication}


def assert_is_told_in_figures(red: CheckResult) -> None:
    """A message tells two figures, of which one is wrong by the other, or counts the rows."""
    (told,) = findings([red])
    if told.expected == Quantity("0", "rows"):
        assert told.observed.unit == "rows"
        assert int(told.observed.value) > 0
        # What words say of a company, a source or a date is to be told in figures.
        has_words = not re.fullmatch(r"\d+ rows?", red.observed_value or "")
        assert not (has_words and OF_MANY.issuperset(red.sample_columns))
    elif told.observed != Quantity("nothing", "word"):
        assert told.observed.unit == told.expected.unit
        read = READ.get(red.unit, Decimal)
        low, figure, high = (
            read(text or red.figure) for text in (red.at_least, red.figure, red.at_most)
        )
        assert not low <= figure <= high


@pytest.mark.slow
@pytest.mark.parametrize(
    ("suite", "expectation", "mutation"),
    [
        pytest.param(*CHECKS[key], mutation, id="-".join(key))
        for key, mutation in MUTATIONS.items()
        if key in CHECKS
    ],
)
def test_a_spoiled_candidate_turns_its_check_red(
    suite: Suite, expectation: Expectation, mutation: str, candidate: str, audit: Audit
) -> None:
    execute(candidate, mutation)

    results = audit(suite)

    red = results[expectation.name]
    assert red.state == "failed"
    assert red.severity == expectation.severity
    assert red.observed_value
    assert red.details
    assert bool(red.sample_keys) == bool(expectation.sample_key)
    if red.severity == "critical":
        assert_is_told_in_figures(red)
    assert "not_checked" not in {result.state for result in results.values()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "moved_back",
    ["as_of_date = date '2024-12-30'", "known_on = timestamptz '2024-12-31 06:00:00+00'"],
)
def test_a_run_that_goes_back_in_time_is_not_compared_with_the_last_publication(
    moved_back: str, candidate: str
) -> None:
    execute(
        candidate,
        f"""
        update marts_candidate.publication_info set {moved_back};
        insert into marts.dim_entity values ('fr02', 'EUR', '443061841');
        delete from marts_candidate.data_coverage;
        delete from marts_candidate.fct_open_items;
        delete from marts_candidate.fct_receivable_movements;
        delete from marts_candidate.dim_customer;
        delete from marts_candidate.customer_attributes;
        delete from marts_candidate.document_attributes;
        """,
    )

    results = run_suites(
        SUITES,
        database_url=candidate,
        schemas=SCHEMAS,
        published_schema_exists=True,
        timeout_seconds=20,
    )

    compared = {
        result.check_name
        for result in results
        if CHECKS[result.table_name, result.check_name][1].needs_publication
        and result.state != "passed"
    }
    assert compared in ({"as_of_date_does_not_go_back"}, {"known_on_does_not_go_back"})
