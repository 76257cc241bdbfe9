"""What a person can follow while a source is read: pages and rows, as they come."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sandbox_books as small
import warehouse_steps as steps
from api_steps import access_of

from encours.clients.api import Access, Client, Exchange, Window
from encours.orchestration import extract
from encours.orchestration.run_ids import new_run_id
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.registry import API_SOURCES
from encours.warehouse.connections import connect, open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("records")]

STREAM = "customers"
SO_FAR = """
select status, page_count, row_count from ops.extraction where run_id = %s and stream = %s
"""


class Watched:
    """A client, and what another session sees in ops.extraction when each next page is asked."""

    def __init__(self, client: Client, watching: psycopg.Connection, run_id: str) -> None:
        self._client = client
        self._watching = watching
        self._run_id = run_id
        self.seen: list[tuple[Any, ...]] = []

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        for exchange in self._client.read(stream, window):
            yield exchange
            if stream == STREAM:
                self.seen += self._watching.execute(SO_FAR, [self._run_id, STREAM]).fetchall()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


@pytest.fixture
def watched(home: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A reading of three customers, one on a page, each page told at once."""
    steps.prepare(home)
    monkeypatch.setattr(extract, "PROGRESS_SECONDS", -1)
    run_id, known = new_run_id(), API_SOURCES["erpnext"]
    others = [small.customer(f"C{number}") for number in (2, 3)]
    with (
        Sandbox(small.books(*others)) as sandbox,
        connect(open_warehouse(home).pipeline_url) as watching,
    ):
        watching.autocommit = True
        made: list[Watched] = []

        def open_client(access: Access) -> Any:
            made.append(Watched(known.open_client(access), watching, run_id))
            return made[0]

        access = access_of(sandbox, "erpnext")
        access = replace(access, options={**access.options, "page_size": "1"})
        source = replace(known, open_client=open_client)
        extract.land_company(home, extract.Reading(run_id, source, access, is_full=True))
        yield made[0]


def test_pages_and_rows_are_in_the_ledger_while_they_are_read(watched: Watched) -> None:
    statuses, pages, rows = zip(*watched.seen, strict=True)

    assert set(statuses) == {"running"}
    assert pages == tuple(range(1, len(pages) + 1))
    assert rows == tuple(sorted(rows))
    assert rows[0] < rows[-1] == 3


def test_pages_and_rows_are_in_the_log(
    caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest
) -> None:
    with caplog.at_level(logging.INFO, logger="encours"):
        request.getfixturevalue("watched")

    told = [line for line in caplog.messages if f" {STREAM}: " in line]
    assert [line for line in told if line.endswith(" rows so far")]
    assert told[-1].endswith(" 3 rows in all")
