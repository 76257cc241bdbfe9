"""kill -9 of a run five times, at random moments of five of its steps.

While a COPY stands still, forty more moments, and ten of a scheduled cycle: `make soak`.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from encours.settings import Settings
from encours.warehouse.connections import open_warehouse
from killed_runs import (
    Homes,
    finish_run,
    has_reached,
    homes,
    kill_backend,
    kill_dbt,
    kill_group,
    kill_postmaster,
    kill_run,
    kill_when,
    start_run,
    wait_until_alone,
)
from marts_content import Row, marts_content
from readers import readers_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kill")]

CHOOSER = random.Random(20261122)
# Not pg_stat_activity, which does not change within a transaction.
BLOCKED = "select 1 from pg_locks where not granted and relation = 'raw_fec.ledger_lines'::regclass"


@pytest.fixture(scope="module")
def prepared() -> Iterator[Homes]:
    with homes(invoices=300) as made:
        yield made


@pytest.fixture(scope="module")
def expected(prepared: Homes) -> dict[str, list[Row]]:
    return prepared.undisturbed(prepared.books.next_year)


@pytest.mark.soak
def test_run_killed_while_it_loads_leaves_nothing_and_the_next_one_publishes_the_same(
    prepared: Homes, expected: dict[str, list[Row]]
) -> None:
    settings = prepared.copy("loading")
    pipeline_url = open_warehouse(settings).pipeline_url

    with psycopg.connect(pipeline_url) as blocker:
        # The COPY stands still until it is killed.
        blocker.execute("lock table raw_fec.ledger_lines in share mode")
        process = start_run(settings, prepared.books.next_year)
        killed, _ = kill_when(
            process,
            lambda: blocker.execute(BLOCKED).fetchone() is not None,
            lambda: kill_group(process),
        )

    assert killed
    assert wait_until_alone(settings) == {}
    finish_run(settings, prepared.books.next_year)
    assert marts_content(pipeline_url) == expected
    prepared.discard(settings)


@pytest.mark.timeout(1800)
def test_cycle_after_five_kills_publishes_the_same_and_readers_saw_nothing_of_them(
    prepared: Homes, expected: dict[str, list[Row]]
) -> None:
    settings = prepared.copy("killed")
    victims: dict[str, Callable[[subprocess.Popen[str]], int]] = {
        "load_raw": kill_group,
        "build_canonical": kill_dbt,
        "build_core": lambda process: kill_group(process) and kill_postmaster(settings),
        "build_marts": lambda _: kill_backend(settings),
        "audit_candidate": kill_run,
    }
    killed, strays = [], []

    with readers_of(settings) as readers:
        for step, kill in victims.items():
            process = start_run(settings, prepared.books.next_year)
            moment = Moment(settings, step, CHOOSER.uniform(0.0, 1.0))
            killed.append(kill_when(process, moment.is_due, lambda: kill(process))[0])  # noqa: B023
            strays.append(wait_until_alone(settings))
        finish_run(settings, prepared.books.next_year)

    assert all(killed), dict(zip(victims, killed, strict=True))
    assert strays == [{}] * len(victims)
    assert marts_content(open_warehouse(settings).pipeline_url) == expected
    assert readers.anomalies == []
    assert all(pace.reads > 50 for pace in readers.paces)
    assert readers.held_up == []
    prepared.discard(settings)


@dataclass
class Moment:
    """So many seconds after the newest run has begun a step."""

    settings: Settings
    step: str
    seconds: float
    _due: float | None = None

    def is_due(self) -> bool:
        if self._due is None and has_reached(self.settings, self.step):
            self._due = time.monotonic() + self.seconds
        return self._due is not None and time.monotonic() >= self._due
