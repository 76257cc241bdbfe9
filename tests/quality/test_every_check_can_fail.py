"""Every expectation is seen green on a good batch and red on a batch that is wrong its way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from candidate import SCHEMAS, execute
from mutations import MUTATIONS

from encours.quality.checkpoint import FIRST_PUBLICATION, CheckResult, run_suites
from encours.quality.suites import Expectation, Suite, expected_checks, load_suites
from encours.quality.verdict import decide
from encours.settings import project_root

SUITES = load_suites(project_root() / "expectations")
CHECKS = {
    (suite.table_name, one.name): (suite, one) for suite in SUITES for one in suite.expectations
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
