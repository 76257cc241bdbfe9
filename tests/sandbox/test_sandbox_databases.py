"""A stand-in that is a database: a file with the books as they are when it is asked for."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import BaseRoute

from encours.sandbox.books import Customer, World
from encours.sandbox.databases import Table
from encours.sandbox.desk import Desk
from encours.sandbox.server import Sandbox


def routes(world: World, desk: Desk) -> Sequence[BaseRoute]:
    def names() -> list[dict[str, Any]]:
        return [{"name": row.customer_id, "number": n} for n, row in enumerate(world.customers)]

    desk.tables = lambda: [Table("names", {"name": "text", "number": "integer"}, names)]
    return []


def sandbox(*customers: str) -> Sandbox:
    world = World([Customer(customer_id=name) for name in customers])
    return Sandbox(world, stand_ins={"kept": routes})


def path_of(host: str) -> Path:
    return Path(host.removeprefix("sqlite:///file:").partition("?")[0])


def rows(host: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path_of(host))) as connection:
        return connection.execute("select * from names").fetchall()


def test_address_is_that_of_a_file_with_the_books() -> None:
    with sandbox("A", "B") as served:
        connection = served.connection("kept")

    assert rows(connection["host"]) == [("A", 0), ("B", 1)]
    assert connection["extra"] == {"entity_id": "main"}


def test_who_asks_again_finds_the_books_as_they_are_now() -> None:
    with sandbox("A") as served:
        host = served.connection("kept")["host"]
        served.world.add(Customer(customer_id="B"))

        assert served.connection("kept")["host"] == host
        assert rows(host) == [("A", 0), ("B", 1)]


def test_table_without_rows_has_its_columns() -> None:
    with sandbox() as served:
        host = served.connection("kept")["host"]

    with closing(sqlite3.connect(path_of(host))) as connection:
        cursor = connection.execute("select * from names")

    assert [column[0] for column in cursor.description] == ["name", "number"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("unknown_value", [("sandbox_unknown", 0)]),
        ("missing_field", [(0,)]),
        ("new_field", [("A", 0, "sandbox_new")]),
        ("server_error", [("A", 0)]),
    ],
)
def test_faults_in_the_data_strike_a_table(fault: str, expected: list[Any]) -> None:
    with sandbox("A") as served:
        served.desk("kept").usual_fields = {
            "unknown_value": "*.name",
            "missing_field": "*.name",
            "new_field": "*.more",
        }
        served.faults.add(fault, on="/kept/names")

        assert rows(served.connection("kept")["host"]) == expected


def test_file_is_gone_with_its_sandbox() -> None:
    served = sandbox("A")
    with served:
        path = path_of(served.connection("kept")["host"])
    assert path.exists()

    del served
    gc.collect()

    assert not path.parent.exists()
