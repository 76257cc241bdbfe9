"""kill -9 at ten random moments of a run: a rerun publishes the same marts.

make soak
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from bench.ledgers import write_ledger

from encours.settings import Settings
from encours.warehouse import embedded
from encours.warehouse.connections import open_warehouse
from killed_runs import (
    Reader,
    after_seconds,
    dbt_processes,
    finish_run,
    kill_when,
    postgres_processes,
    processes_of,
    random_moments,
    run_tree,
    start_run,
)
from marts_content import marts_content

pytestmark = pytest.mark.soak

VICTIMS = ("run", "dbt", "backend", "postmaster", "everything")
SEED = 20261121
COUNT = 10


@pytest.fixture(scope="module")
def undisturbed() -> Iterator[tuple[Settings, Path, dict, float]]:
    """A home that has published once, its ledger, its marts, and the seconds of a run."""
    with tempfile.TemporaryDirectory(prefix="encours-soak-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder) / "home")
        ledger = write_ledger(Path(folder) / "999000001FEC20251231.txt", 5_000)
        try:
            finish_run(settings, ledger)
            started = time.monotonic()
            finish_run(settings, ledger)
            seconds = time.monotonic() - started
            yield settings, ledger, marts_content(open_warehouse(settings).pipeline_url), seconds
        finally:
            embedded.stop(settings)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(COUNT))
def test_a_rerun_after_a_kill_publishes_the_same_marts(
    undisturbed: tuple[Settings, Path, dict, float], number: int
) -> None:
    settings, ledger, expected, seconds = undisturbed
    moment = random_moments(SEED, COUNT, seconds)[number]
    victim = VICTIMS[number % len(VICTIMS)]

    with Reader(settings) as reader:
        process = start_run(settings, ledger)

        def victims() -> list[psutil.Process]:
            chosen = {
                "run": [psutil.Process(process.pid)],
                "dbt": dbt_processes(process),
                "backend": postgres_processes(settings, backends_only=True),
                "postmaster": postgres_processes(settings, backends_only=False),
                "everything": [
                    *run_tree(process),
                    *postgres_processes(settings, backends_only=False),
                ],
            }
            return chosen[victim]

        killed = kill_when(process, victims, after_seconds(moment))
        finish_run(settings, ledger)

    print(f"kill {number + 1}: {victim} after {moment} s of {seconds:.0f}: {len(killed)} killed")
    assert marts_content(open_warehouse(settings).pipeline_url) == expected
    assert len({row[1:] for row in reader.seen}) == 1, "a reader saw a half-published state"
    assert processes_of(settings) == []
