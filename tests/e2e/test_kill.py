"""kill -9 in the middle of a run, once while loading and once while building."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.ledgers import write_ledger

from encours.settings import Settings
from encours.warehouse import embedded
from encours.warehouse.connections import open_warehouse
from killed_runs import (
    Reader,
    finish_run,
    has_reached,
    kill_when,
    postgres_processes,
    processes_of,
    run_tree,
    start_run,
)
from marts_content import marts_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("kill")]


@pytest.fixture(scope="module")
def published() -> Iterator[tuple[Settings, Path, dict]]:
    with tempfile.TemporaryDirectory(prefix="encours-kill-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder) / "home")
        ledger = write_ledger(Path(folder) / "999000001FEC20251231.txt", 3_000)
        try:
            finish_run(settings, ledger)
            yield settings, ledger, marts_content(open_warehouse(settings).pipeline_url)
        finally:
            embedded.stop(settings)


@pytest.mark.parametrize("step", ["build_core", "audit_candidate"])
def test_a_killed_run_leaves_the_marts_and_the_next_one_publishes_the_same(
    published: tuple[Settings, Path, dict], step: str
) -> None:
    settings, ledger, expected = published

    with Reader(settings) as reader:
        process = start_run(settings, ledger)
        killed = kill_when(
            process,
            lambda: [*run_tree(process), *postgres_processes(settings, backends_only=False)],
            lambda: has_reached(settings, step),
        )
        assert killed, "the run ended before the moment to kill it"
        finish_run(settings, ledger)

    assert marts_content(open_warehouse(settings).pipeline_url) == expected
    assert len({row[1:] for row in reader.seen}) == 1
    assert processes_of(settings) == []
