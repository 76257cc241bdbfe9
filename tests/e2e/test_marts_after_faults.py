"""Every source meets several faults in one home; when clean runs have followed, the published marts
are those of a home that nothing happened to, table by table (`make soak`).

`test_api_faults.py` looks at raw, fault by fault. Here two homes live through the same days, and
what is compared is what a reader of the marts sees.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import warehouse_steps as steps
from api_steps import read_company
from plain_books import write_plain_books
from scripted_server import StillClock

from encours.errors import EncoursError
from encours.orchestration import build
from encours.sandbox.books import Document, World, read_world
from encours.sandbox.rows import Row
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.registry import API_SOURCES
from encours.warehouse import embedded
from encours.warehouse.connections import open_warehouse
from marts_content import marts_content

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.xdist_group("api_faults")]

AS_OF = date(2026, 6, 30)
# Some stop a reading, some spoil one, some are waited out; the last is in the data.
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("server_error", {"times": 100}),
    ("truncated", {"times": 100}),
    ("reset", {}),
    ("too_many_requests", {"retry_after": 7200, "times": 1}),
    ("repeated_page", {}),
    ("moving_rows", {}),
    ("switched_account", {}),
    ("missing_field", {}),
)
# When something was read is no figure; counts of readings say nothing of the books.
OF_THE_READING = frozenset({"data_coverage"})


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("books")
    write_plain_books(40, AS_OF, folder / "demo", folder / "plain")
    return list(read_world(folder / "plain").everything())


@pytest.fixture(scope="module")
def other_home() -> Iterator[Settings]:
    # Not tmp_path: the server may run as another user, who must be able to enter the folder.
    with tempfile.TemporaryDirectory(prefix="encours-undisturbed-") as folder:
        Path(folder).chmod(0o755)
        settings = Settings(home=Path(folder))
        try:
            open_warehouse(settings)
            yield settings
        finally:
            embedded.stop(settings)


def live_a_day(world: World) -> None:
    """A document is due later, and one of another customer is void."""
    world.clock += timedelta(days=1)
    due = next(row for row in world.documents if row.due_date and row.status == "posted")
    assert due.due_date is not None
    world.change(Document, due.document_id, due_date=due.due_date + timedelta(days=3))
    matched = {row.document_id for row in world.allocations} | {
        row.source_id for row in world.allocations
    }
    free = next(
        row
        for row in world.documents
        if row.document_id not in matched
        and not row.credited_document_id
        and row.status == "posted"
        and row != due
    )
    world.void(free.document_id)


def strike(home: Settings, sandbox: Sandbox, source: str) -> int:
    """Each fault in a reading of everything; how many of these failed, with one line."""
    failed = 0
    for fault, options in FAULTS:
        sandbox.serve(sandbox.world, limits=False)
        sandbox.faults.add(fault, after=2, **options)
        try:
            read_company(home, sandbox, source, is_full=True, patience=patience())
        except EncoursError as error:
            failed += "\n" not in str(error)
    sandbox.serve(sandbox.world, limits=False)
    return failed


def patience() -> Any:
    return StillClock().patience(read_seconds=2.0)


def publish(home: Settings) -> dict[str, list[Any]]:
    opened = steps.build_candidate(home, as_of=AS_OF)
    assert steps.judge(home, opened) == "publish"
    build.publish_marts(home, opened.run_id)
    content = marts_content(open_warehouse(home).pipeline_url)
    return {table: found for table, found in content.items() if table not in OF_THE_READING}


def test_marts_are_those_of_a_home_that_no_fault_ever_struck(
    home: Settings, other_home: Settings, rows: list[Row]
) -> None:
    failed = dict.fromkeys(API_SOURCES, 0)
    for settings in (home, other_home):
        steps.prepare(settings)
    for source in API_SOURCES:
        with Sandbox(World(rows), limits=False) as sandbox:
            for day in range(2):
                if day:
                    live_a_day(sandbox.world)
                failed[source] += strike(home, sandbox, source)
                # After the faults, which move rows of the books: both homes read the same.
                for settings in (home, other_home):
                    read_company(settings, sandbox, source, is_full=True, patience=patience())

    struck, undisturbed = publish(home), publish(other_home)

    assert min(failed.values()) >= 2
    assert struck.keys() == undisturbed.keys()
    assert len(struck["fct_open_items"]) > 2 * len(API_SOURCES)
    assert [table for table in struck if struck[table] != undisturbed[table]] == []
