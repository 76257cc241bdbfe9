"""One reader of a connection at a time, in whatever process: the nightly run, the weekly one, and a
person's `encours run`.

The scheduler keeps its own runs apart by a pool for each system; what holds between all processes
is a lock in the warehouse, which ends with the session that took it. With the lock goes the token
bucket: what the reader before asked within the vendor's window counts for the next one.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from encours.clients.rate_limits import take_turns, told_turns
from encours.errors import RetryableError

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 900
LOCK_NAME = "encours.reading {}"


def reading_pool(source: str) -> str:
    """The Airflow pool of which a task takes a slot while it reads a system (airflow_home makes it
    with one slot). A person may give it more: each connection has its lock all the same."""
    return f"read_{source}"


@contextmanager
def alone_with(
    connection: psycopg.Connection, connection_id: str, *, patience: int = PATIENCE_SECONDS
) -> Iterator[None]:
    """Read the connection inside. RetryableError where another reader is not done after so many
    seconds."""
    name = LOCK_NAME.format(connection_id)
    _take(connection, connection_id, name, patience)
    try:
        _take_turns(connection, connection_id)
        yield
    finally:
        # The error itself is what the caller must see, also where the database went away with it.
        with suppress(psycopg.Error):
            _tell_turns(connection, connection_id)
            connection.execute("select pg_advisory_unlock(hashtext(%s))", [name])
            connection.commit()


def _take(connection: psycopg.Connection, connection_id: str, name: str, patience: int) -> None:
    with connection.transaction():
        row = connection.execute("select pg_try_advisory_lock(hashtext(%s))", [name]).fetchone()
    if row is not None and row[0]:
        return
    log.info("%s: another run reads it: waiting for its end", connection_id)
    try:
        with connection.transaction():
            connection.execute("select set_config('lock_timeout', %s, true)", [f"{patience}s"])
            connection.execute("select pg_advisory_lock(hashtext(%s))", [name])
    except psycopg.errors.LockNotAvailable:
        raise RetryableError(
            f"{connection_id}: another run still reads it after {patience} s (encours status shows"
            " how far it is; run again when it has ended)"
        ) from None


def _take_turns(connection: psycopg.Connection, connection_id: str) -> None:
    with connection.transaction():
        row = connection.execute(
            "select seconds_ago, extract(epoch from now() - told_at)::float8"
            " from ops.request_turn where connection_id = %s",
            [connection_id],
        ).fetchone()
    if row is not None:
        take_turns(connection_id, row[0], row[1])


def _tell_turns(connection: psycopg.Connection, connection_id: str) -> None:
    with connection.transaction():
        connection.execute(
            "insert into ops.request_turn (connection_id, seconds_ago) values (%s, %s)"
            " on conflict (connection_id) do update"
            " set told_at = now(), seconds_ago = excluded.seconds_ago",
            [connection_id, json.dumps(told_turns(connection_id))],
        )
