"""One home writes to a warehouse.

Landing zone, policies, connections and Airflow's record are the home's; raw, candidate and marts
are the warehouse's. Two homes on one database would replace each other's candidates and read one
company twice, so the first that writes to it is noted there, and another one is refused. An
embedded server lies in its home and needs no note. A home is known by a mark that lies in it: one
that was moved or restored goes on, and a copy counts as the home itself.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString

import psycopg

from encours.errors import BadInput, FatalError
from encours.settings import Settings
from encours.warehouse import embedded
from encours.warehouse.connections import connect, open_warehouse, parse_url
from encours.warehouse.ledger import ensure_ledger

MARK = "home_id"
REFUSED = "another home writes to this warehouse"
WAY_OUT = (
    "give each home a database of its own, or, where that home is gone for good, encours take-over"
)
FIRST = """
insert into ops.home (home_id, host_name, path)
values (%(home_id)s, %(host_name)s, %(path)s)
on conflict do nothing
"""
MOVED = """
update ops.home
set host_name = %(host_name)s, path = %(path)s
where home_id = %(home_id)s
"""
TAKEN = """
insert into ops.home (home_id, host_name, path)
values (%(home_id)s, %(host_name)s, %(path)s)
on conflict (is_only) do update
set home_id = excluded.home_id,
    host_name = excluded.host_name,
    path = excluded.path,
    claimed_at = now()
"""


@dataclass(frozen=True)
class Owner:
    """The home that writes to a warehouse, and since when."""

    home_id: str
    host_name: str
    path: str
    claimed_at: datetime

    def __str__(self) -> str:
        return f"{self.path} on {self.host_name}, since {self.claimed_at:%Y-%m-%d}"


def claim(settings: Settings, connection: psycopg.Connection) -> None:
    """Bring the ledger up to date, and note this home in it where no other has written yet.
    FatalError where one has."""
    ensure_ledger(connection)
    if settings.warehouse_url is None:
        return
    place = _place(settings)
    owner = _owner(connection)
    if owner is None:
        _note(connection, FIRST, place)
        owner = _owner(connection)
        assert owner is not None
    if owner.home_id != place["home_id"]:
        target = parse_url(settings.warehouse_url)
        # No fault of a delivery, which stays in the inbox.
        raise FatalError(f"{target.address}/{target.database}: {REFUSED}: {owner}: {WAY_OUT}")
    if (owner.host_name, owner.path) != (place["host_name"], place["path"]):
        _note(connection, MOVED, place)


def claim_warehouse(settings: Settings) -> None:
    """As `claim`, before anything is begun."""
    if settings.warehouse_url is None:
        return
    with connect(open_warehouse(settings).pipeline_url) as connection:
        claim(settings, connection)


def other_owner(settings: Settings, connection: psycopg.Connection) -> Owner | None:
    """The home that writes to this warehouse, where that is not this one. Notes nothing."""
    if settings.warehouse_url is None:
        return None
    if not connection.execute("select where to_regclass('ops.home') is not null").fetchall():
        return None
    owner = _owner(connection)
    is_ours = owner and owner.home_id == embedded.read_secret(settings, MARK)
    return None if is_ours else owner


def take_over(settings: Settings) -> Owner | None:
    """Make this home the one that writes. Returns the one that did; it is refused from now on."""
    if settings.warehouse_url is None:
        raise BadInput("the embedded warehouse lies in its home", mend="there is nothing to do")
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ensure_ledger(connection)
        before = _owner(connection)
        _note(connection, TAKEN, _place(settings))
    return before


def _owner(connection: psycopg.Connection) -> Owner | None:
    row = connection.execute("select home_id, host_name, path, claimed_at from ops.home").fetchone()
    connection.commit()
    return Owner(*row) if row else None


def _note(
    connection: psycopg.Connection, statement: LiteralString, place: Mapping[str, str]
) -> None:
    with connection.transaction():
        connection.execute(statement, place)


def _place(settings: Settings) -> Mapping[str, str]:
    return {
        "home_id": _home_id(settings),
        "host_name": socket.gethostname(),
        "path": str(settings.home),
    }


def _home_id(settings: Settings) -> str:
    known = embedded.read_secret(settings, MARK)
    if known is not None:
        return known
    with embedded.home_lock(settings):
        return embedded.password(settings, MARK)
