"""The dbt server that a task of the scheduler forks from itself."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from encours.orchestration.airflow_home import airflow_environment
from encours.settings import Settings
from encours.transform import dbt_server
from encours.transform.dbt_server import ForkedServer
from encours.warehouse.connections import Warehouse


@pytest.fixture
def forked(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Callable[[], None]], ForkedServer]]:
    servers: list[ForkedServer] = []

    def start(main: Callable[[], None]) -> ForkedServer:
        monkeypatch.setattr(dbt_server, "main", main)
        servers.append(ForkedServer())
        return servers[-1]

    yield start
    for server in servers:
        server.kill()
        server.wait()


def test_forked_server_reads_requests_and_answers(
    forked: Callable[[Callable[[], None]], ForkedServer],
) -> None:
    server = forked(lambda: os.write(1, sys.stdin.readline().upper().encode()) and None)

    server.stdin.write("done?\n")
    server.stdin.flush()

    assert server.stdout.readline() == "DONE?\n"


def test_forked_server_ends_when_its_owner_lets_go(
    forked: Callable[[Callable[[], None]], ForkedServer],
) -> None:
    server = forked(lambda: [None for _ in sys.stdin] and None)
    assert server.poll() is None

    server.stdin.close()
    server.wait()

    assert server.poll() == 0


def test_forked_server_has_nothing_open_that_its_owner_had(
    forked: Callable[[Callable[[], None]], ForkedServer],
) -> None:
    with tempfile.TemporaryFile() as book, closing(os.fdopen(os.dup(book.fileno()), "w")) as late:
        number = late.fileno()

        def write_late() -> None:
            os.write(number, b"late")
            os.write(1, f"{os.path.samestat(os.fstat(number), os.stat(os.devnull))}\n".encode())

        server = forked(write_late)

        assert server.stdout.readline() == "True\n"
        assert book.seek(0, os.SEEK_END) == 0


def test_what_workers_are_forked_from_can_be_imported(tmp_path: Path) -> None:
    """The fork server says nothing of a module that it does not find."""
    variables = airflow_environment(
        Settings(tmp_path), Warehouse("postgresql://a", "postgresql://b", "postgresql://c")
    )

    assert importlib.util.find_spec(variables["AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD"])
