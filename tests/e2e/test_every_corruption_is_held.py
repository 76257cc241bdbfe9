"""Every corruption of the catalogue holds the publication, with the check that it should.

What goes wrong in the warehouse itself is tried on the good books of two companies. Then many join
them with good books, and the next day each delivers books that are corrupted in its own way: all
are judged by one build. The check that is named must be red, be critical and name the company; the
two companies with good books must be named by no critical check at all.

`make soak` tries it; `make test` tries what is refused at loading, and counts the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import warehouse_steps as steps

from corruptions.catalogue import DELIVERED, MADE, NOT_CAUGHT
from corruptions.corruption import Delivered, Made
from corruptions.good_books import books_before, good_books, write_delivery
from corruptions.in_the_files import REFUSED
from corruptions.model_attempts import ModelAttempts
from encours.orchestration import build
from encours.quality.results import CheckResult
from encours.quality.suites import load_suites, render_query
from encours.quality.verdict import decide
from encours.settings import Settings, project_root
from encours.transform import dbt
from encours.warehouse import ledger, publication

pytestmark = [
    pytest.mark.slow,
    pytest.mark.catalogue,
    pytest.mark.xdist_group("corruptions"),
]

DAY = date(2025, 6, 10)
NEXT_DAY = date(2025, 6, 11)
# Whether it has control totals, by company.
GOOD = {"good": True, "good_and_bare": False}
EXPECTATIONS = {
    f"{suite.table_name}.{one.name}": (suite, one)
    for suite in load_suites(project_root() / "expectations")
    for one in suite.expectations
}
COMPANIES = {**GOOD, **{one.name: one.has_control_totals for one in DELIVERED}}


@dataclass(frozen=True)
class Night:
    """What the gate found and decided the next day, and which companies each red check names."""

    decision: str
    results: Mapping[str, CheckResult]
    companies: Mapping[str, frozenset[str]]

    def of(self, company: str) -> list[CheckResult]:
        """What the gate would have found, had the others delivered good books."""
        return [
            result
            for check, result in self.results.items()
            if result.state == "passed" or company in self.companies[check]
        ]

    def holding(self, company: str) -> list[str]:
        """The critical checks that name it."""
        return [
            check
            for check, companies in self.companies.items()
            if company in companies and self.results[check].severity == "critical"
        ]


class Questions:
    """Asks a red check again, for all its rows: the ledger keeps twenty sample keys."""

    def __init__(self, connection: psycopg.Connection, compiled: Path) -> None:
        self._connection = connection
        self._tests = {path.stem: path for path in compiled.rglob("*.sql")}

    def companies(self, check: str, result: CheckResult) -> frozenset[str]:
        rows = self._rows(check) or result.sample_keys
        words = {word for row in rows for word in re.findall(r"\w+", str(row))}
        return frozenset(words & COMPANIES.keys())

    def _rows(self, check: str) -> list[Any]:
        if check in EXPECTATIONS:
            suite, one = EXPECTATIONS[check]
            if not one.query:
                return []
            schema = {"marts": publication.CANDIDATE}.get(suite.folder, suite.folder)
            query = render_query(
                one.query, table=f"{schema}.{suite.table}", schema=schema, published="marts"
            )
        else:
            query = self._tests[check].read_text()
        return self._connection.execute(query.encode()).fetchall()


def check_results(home: Settings, run_id: str) -> dict[str, CheckResult]:
    """By the name that the catalogue gives a check: `table.check`, or the name of a test."""
    with steps.pipeline(home) as connection:
        results = ledger.read_check_results(connection, run_id)
    found = {}
    for result in results:
        name = f"{result.table_name}.{result.check_name}"
        found[name if name in EXPECTATIONS else result.check_name] = result
    return found


def publish_good_books(home: Settings, folder: Path, companies: Mapping[str, bool]) -> dbt.Build:
    """Delivered twice, judged and published."""
    books = [good_books(name, DAY, has_control_totals=has) for name, has in companies.items()]
    steps.ingest_files(home, write_delivery(map(books_before, books), DAY, folder / "before"))
    run_id = steps.ingest_files(home, write_delivery(books, DAY, folder / "then"))
    opened = steps.build_candidate(home, run_id, as_of=DAY)
    assert steps.judge(home, opened) == "publish"
    build.publish_marts(home, run_id)
    return opened


@pytest.fixture(scope="module")
def published(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> dbt.Build:
    """Two companies only: each attempt makes all that they have anew."""
    # Each month end that is shown costs every attempt its time.
    (home.home / "policies.yml").write_text("month_ends: 3\n")
    return publish_good_books(home, tmp_path_factory.mktemp("good"), GOOD)


@pytest.fixture(scope="module")
def attempts(published: dbt.Build, home: Settings) -> Iterator[ModelAttempts]:
    compiled = home.runs_dir / published.run_id / "target" / "compiled"
    with steps.pipeline(home) as connection:
        yield ModelAttempts(connection, compiled, published)


@pytest.fixture(scope="module")
def holding(published: dbt.Build, home: Settings) -> frozenset[str]:
    """The checks that hold a publication when they are red."""
    results = check_results(home, published.run_id)
    return frozenset(name for name, result in results.items() if result.severity == "critical")


# Before the other companies are built, which replaces what the models are made from.
@pytest.mark.soak
@pytest.mark.parametrize("corruption", MADE, ids=lambda one: one.name)
def test_corruption_of_the_warehouse_turns_its_check_red(
    attempts: ModelAttempts, holding: frozenset[str], corruption: Made, record_property: Any
) -> None:
    record_property("corruption", corruption.name)
    with attempts.made(*corruption.edits, raw=corruption.raw, later_by=corruption.later_by):
        offending = attempts.offending(corruption.caught_by)

    assert offending
    assert corruption.caught_by in holding


@pytest.mark.soak
def test_models_as_they_are_turn_no_check_of_the_catalogue_red(attempts: ModelAttempts) -> None:
    checks = {one.caught_by for one in MADE}

    with attempts.made(raw="select 1"):
        red = {check: rows for check in checks if (rows := attempts.offending(check))}

    assert red == {}


@pytest.fixture(scope="module")
def all_published(
    published: dbt.Build, home: Settings, tmp_path_factory: pytest.TempPathFactory
) -> dbt.Build:
    """The other companies join the two, with good books, too."""
    return publish_good_books(home, tmp_path_factory.mktemp("all"), COMPANIES)


@pytest.fixture(scope="module")
def night(
    all_published: dbt.Build, home: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Night:
    """The next day, when every company but two delivers corrupted books."""
    companies = [
        good_books(name, NEXT_DAY, has_control_totals=has) for name, has in COMPANIES.items()
    ]
    corrupt = {one.name: one.corrupt for one in DELIVERED}
    for books in companies:
        if books.entity_id in corrupt:
            corrupt[books.entity_id](books)
    folder = write_delivery(companies, NEXT_DAY, tmp_path_factory.mktemp("corrupted"))
    run_id = steps.ingest_files(home, folder)
    opened = steps.build_candidate(home, run_id, as_of=NEXT_DAY)
    decision = steps.judge(home, opened)
    results = check_results(home, run_id)
    red = [check for check, result in results.items() if result.state != "passed"]
    with steps.pipeline(home) as connection:
        questions = Questions(connection, home.runs_dir / run_id / "target" / "compiled")
        companies_named = {check: questions.companies(check, results[check]) for check in red}
    return Night(decision, results, companies_named)


@pytest.mark.soak
def test_night_of_corruptions_is_held(night: Night) -> None:
    not_checked = [name for name, one in night.results.items() if one.state == "not_checked"]

    assert night.decision == "hold"
    assert not_checked == []


@pytest.mark.soak
@pytest.mark.parametrize("corruption", DELIVERED, ids=lambda one: one.name)
def test_delivered_corruption_holds_its_company(
    night: Night, corruption: Delivered, record_property: Any
) -> None:
    record_property("corruption", corruption.name)
    alone = decide(night.of(corruption.name), expected=())

    assert alone.decision == "hold"
    assert corruption.caught_by in night.holding(corruption.name)


@pytest.mark.soak
@pytest.mark.parametrize("company", GOOD)
def test_company_with_good_books_is_held_by_nothing(night: Night, company: str) -> None:
    assert night.holding(company) == []


def test_catalogue_has_at_least_sixty_corruptions_of_different_names() -> None:
    names = [one.name for one in (*REFUSED, *DELIVERED, *MADE)]

    assert len(names) >= 60
    assert len(set(names)) == len(names)
    assert all(reason for reason in NOT_CAUGHT.values())
