"""Whatever goes wrong while a company is read: the run ends right or fails with one line, raw holds
all of a reading or nothing of it, and clean runs afterwards know what they would know without.

Models are functions of the latest versions in raw, so those are compared, not the marts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
import warehouse_steps as steps
from api_steps import access_of, read_company
from plain_books import write_plain_books
from psycopg import sql
from scripted_server import StillClock

from encours.clients.api import Window
from encours.clients.json_numbers import read_json, write_json
from encours.errors import EncoursError
from encours.sandbox.books import Document, World, read_world
from encours.sandbox.faults import KINDS
from encours.sandbox.rows import Row
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.registry import API_SOURCES

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("api_faults")]

AS_OF = date(2026, 6, 30)
LATEST = """
select record_key, payload::text from {raw} as stored
where entity_id = %s and not is_deleted and not exists (
    select 1 from {raw} as newer where newer.replaced_version = stored.version_no
)
"""
Told = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """`is_in_data`: what came was complete, and wrong; nothing says that it came right later, so
    that only the weekly reading of everything finds out."""

    fault: str
    options: dict[str, Any] = field(default_factory=dict)
    is_in_data: bool = False


CASES = {
    "429 storm": Case("too_many_requests"),
    "429 with a date": Case("too_many_requests", {"form": "date"}),
    "429 for hours": Case("too_many_requests", {"retry_after": 7200, "times": 1}),
    "500s": Case("server_error"),
    "500s that stay": Case("server_error", {"times": 100}),
    "timeout": Case("hang"),
    "reset in mid-body": Case("reset"),
    "truncated JSON": Case("truncated"),
    "HTML with status 200": Case("html_page"),
    "HTML that stays": Case("html_page", {"times": 100}),
    "page served twice": Case("repeated_page"),
    "rows moving between pages": Case("moving_rows"),
    "token dying in mid-run": Case("dead_token"),
    "clock ahead": Case("clock_skew"),
    "clock behind": Case("clock_skew", {"seconds": -3600}),
    "deleted id": Case("deleted_id"),
    "account switched": Case("switched_account"),
    "unknown enum value": Case("unknown_value", is_in_data=True),
    "new field": Case("new_field", is_in_data=True),
    "missing field": Case("missing_field", is_in_data=True),
    "value of another type": Case("other_type", is_in_data=True),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("books")
    write_plain_books(15, AS_OF, folder / "demo", folder / "plain")
    return list(read_world(folder / "plain").everything())


@pytest.fixture(scope="module")
def sandbox(rows: list[Row]) -> Iterator[Sandbox]:
    with Sandbox(World(rows), limits=False) as served:
        yield served


@pytest.fixture(scope="module")
def prepared(home: Settings) -> Settings:
    steps.prepare(home)
    return home


@pytest.fixture(scope="module")
def worlds(rows: list[Row]) -> dict[str, World]:
    """The books of each source, which live on from fault to fault as its company in raw does."""
    return {source: World(rows) for source in API_SOURCES}


def patience() -> Any:
    """Waits that take no time."""
    return StillClock().patience(read_seconds=0.3)


def latest(home: Settings, source: str) -> Told:
    """The records that are there, by stream and key."""
    with steps.pipeline(home) as connection:
        return {
            stream.name: {
                key: read_json(payload.encode())
                for key, payload in connection.execute(
                    sql.SQL(LATEST).format(raw=sql.Identifier(f"raw_{source}", stream.name)),
                    [source],
                )
            }
            for stream in API_SOURCES[source].streams
        }


def told(sandbox: Sandbox, source: str) -> Told:
    """What a reading of everything would put there now."""
    known = API_SOURCES[source]
    with closing(known.open_client(access_of(sandbox, source), patience=patience())) as client:
        return {
            stream.name: {
                record.key: read_json(write_json(record.payload))
                for exchange in client.read(stream.name, Window())
                for record in known.read_records(stream.name, exchange)
                if not record.is_deleted
            }
            for stream in known.streams
        }


def test_every_fault_of_the_sandbox_is_tried() -> None:
    assert {case.fault for case in CASES.values()} == KINDS.keys() - {"rewritten"}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("source", sorted(API_SOURCES))
def test_clean_runs_know_what_they_would_know_without_the_fault(
    prepared: Settings, sandbox: Sandbox, worlds: dict[str, World], source: str, name: str
) -> None:
    case, world = CASES[name], worlds[source]
    sandbox.serve(world, limits=False)
    live_on(world)
    before = latest(prepared, source)
    sandbox.faults.add(case.fault, after=2, **case.options)

    failure = None
    try:
        read_company(prepared, sandbox, source, is_full=True, patience=patience())
    except EncoursError as error:
        failure = error

    if failure is not None:
        assert_one_line(failure)
        assert latest(prepared, source) == before
    sandbox.serve(world, limits=False)
    live_on(world)
    read_company(prepared, sandbox, source, is_full=case.is_in_data, patience=patience())
    assert latest(prepared, source) == told(sandbox, source)


def live_on(world: World) -> None:
    """Some minutes later a document is due another day."""
    world.clock += timedelta(minutes=5)
    document = next(row for row in world.documents if row.due_date and not row.credited_document_id)
    due = document.due_date + timedelta(days=1) if document.due_date else None
    world.change(Document, document.document_id, due_date=due)


def assert_one_line(failure: EncoursError) -> None:
    line = str(failure)
    assert line
    assert "\n" not in line
    assert len(line) < 300
    assert "sandbox-access" not in line
