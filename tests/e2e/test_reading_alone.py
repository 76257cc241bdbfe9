"""One reader of a connection at a time, whichever process it is in."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
import warehouse_steps as steps

from encours.clients import rate_limits
from encours.clients.rate_limits import begun_by, told_turns
from encours.errors import RetryableError
from encours.orchestration.turns import alone_with
from encours.settings import Settings
from encours.warehouse.connections import connect, open_warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("records")]


@pytest.fixture
def first(home: Settings) -> Iterator[psycopg.Connection]:
    steps.prepare(home)
    with connect(open_warehouse(home).pipeline_url) as connection:
        yield connection


@pytest.fixture
def second(home: Settings, first: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Another session is what another process has: the lock belongs to the session."""
    with connect(open_warehouse(home).pipeline_url) as connection:
        yield connection


def test_a_second_reader_of_a_connection_is_told_in_one_line(
    first: psycopg.Connection, second: psycopg.Connection
) -> None:
    with (
        alone_with(first, "encours_xero"),
        pytest.raises(RetryableError, match="encours_xero: another run still reads it after 1 s"),
        alone_with(second, "encours_xero", patience=1),
    ):
        pass


def test_a_second_reader_begins_when_the_first_has_ended(
    first: psycopg.Connection, second: psycopg.Connection
) -> None:
    begun = threading.Event()

    def read() -> None:
        with alone_with(second, "encours_xero"):
            begun.set()

    reader = threading.Thread(target=read)
    with alone_with(first, "encours_xero"):
        reader.start()
        assert not begun.wait(0.5)
    reader.join(20)

    assert begun.is_set()


def test_another_connection_is_read_meanwhile(
    first: psycopg.Connection, second: psycopg.Connection
) -> None:
    with alone_with(first, "encours_xero"), alone_with(second, "encours_xero__other", patience=1):
        pass


def test_a_reader_that_died_keeps_nobody_out(
    first: psycopg.Connection, second: psycopg.Connection
) -> None:
    with alone_with(first, "encours_xero"):
        first.close()

    with alone_with(second, "encours_xero", patience=5):
        pass


def test_what_the_reader_before_asked_counts_for_the_next(
    first: psycopg.Connection, second: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "_begun", {})
    with alone_with(first, "encours_xero"):
        begun_by("encours_xero", "https://api.xero.com").extend([time.monotonic()] * 3)
    # What a process knows ends with it.
    monkeypatch.setattr(rate_limits, "_begun", {})

    with alone_with(second, "encours_xero"):
        counted = told_turns("encours_xero")

    assert len(counted["https://api.xero.com"]) == 3
