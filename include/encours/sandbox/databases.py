"""Stand-ins that are a database and no server: the books as tables of a SQLite file.

The file is written anew whenever its address is asked for, from the books as they are then; a
client that has it open finds the new rows. Nothing of it is on any network. Of the faults, those
that lie in the data strike: a table is the answer of the path /<stand-in>/<table>, a list of rows.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encours.sandbox.books import World
from encours.sandbox.desk import Call, Desk
from encours.sandbox.faults import Answer, Faults, Visit, answer_of, strike_all
from encours.sandbox.json_bodies import answer_json, read_json

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """`columns` are names and SQLite's types; `rows` are made when they are asked for."""

    name: str
    columns: Mapping[str, str]
    rows: Callable[[], Sequence[Row]]


class DatabaseFile:
    """The database of one stand-in, gone with this object."""

    def __init__(self, desk: Desk, world: World, faults: Faults) -> None:
        self._desk = desk
        self._world = world
        self._faults = faults
        folder = tempfile.mkdtemp(prefix="encours-sandbox-")
        self.path = Path(folder) / f"{desk.name}.sqlite"
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def write(self, tables: Sequence[Table]) -> str:
        """The SQLAlchemy URL of the file, which then holds these tables."""
        told = [(table, self._struck(table)) for table in tables]
        with closing(sqlite3.connect(self.path)) as connection, connection:
            connection.execute("begin")
            for table, rows in told:
                _write_table(connection, table, rows)
        return f"sqlite:///file:{self.path}?mode=ro&uri=true"

    def _struck(self, table: Table) -> Sequence[Row]:
        call = Call(self._desk.monotonic(), "SELECT", f"/{self._desk.name}/{table.name}", "")
        visit = Visit(call, self._desk, self._world, None, _is_gone)
        due = self._faults.due(visit, in_data_only=True)
        if not due:
            return table.rows()

        async def serve() -> Answer:
            return answer_of(answer_json(table.rows()))

        rows: Sequence[Row] = read_json(asyncio.run(strike_all(due, visit, serve)).body)
        return rows


async def _is_gone() -> None:
    return None


def _write_table(connection: sqlite3.Connection, table: Table, rows: Sequence[Row]) -> None:
    """With the columns that the rows have, so that a fault may add one and take one away."""
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(table.columns)
    declared = ", ".join(f'"{name}" {table.columns.get(name, "text")}' for name in names)
    drop, create = f'drop table if exists "{table.name}"', f'create table "{table.name}"'
    connection.execute(drop)
    connection.execute(create + f" ({declared})")
    insert = f'insert into "{table.name}" values ({", ".join("?" * len(names))})'
    connection.executemany(insert, ([row.get(name) for name in names] for row in rows))
