"""kill -9 in the middle of a run while it builds, with its server.

While it loads, ten random moments and more victims: `make soak`.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from encours.warehouse.connections import open_warehouse
from killed_runs import (
    Homes,
    Reader,
    finish_run,
    has_reached,
    homes,
    kill_group,
    kill_postmaster,
    kill_when,
    start_run,
    wait_until_alone,
)
from marts_content import Row, marts_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kill")]

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


def test_run_killed_with_its_server_while_it_builds_leaves_the_marts_to_readers(
    prepared: Homes, expected: dict[str, list[Row]]
) -> None:
    settings = prepared.copy("building")

    with Reader(settings) as reader:
        process = start_run(settings, prepared.books.next_year)
        killed, _ = kill_when(
            process,
            lambda: has_reached(settings, "build_core"),
            lambda: kill_group(process) and kill_postmaster(settings),
        )
        strays = wait_until_alone(settings)
        finish_run(settings, prepared.books.next_year)

    assert killed
    assert strays == {}
    assert marts_content(open_warehouse(settings).pipeline_url) == expected
    assert reader.saw_one_publication_at_a_time()
    prepared.discard(settings)
