"""What raw tables of versions share: one writer, a clock that goes forward, latest versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import errors, sql

from encours.errors import RetryableError


@dataclass(frozen=True)
class LoadedStream:
    """Rows of one stream: as delivered, refused, and what changed in raw because of them.

    `watermark` is the moment, on the clock of an API, from which its next reading goes on.
    """

    stream: str
    row_count: int
    refused_count: int
    byte_count: int
    changed_count: int
    deleted_count: int
    watermark: datetime | None = None


@contextmanager
def alone_in_raw(connection: psycopg.Connection, source: str) -> Iterator[None]:
    """One writer at a time in the raw tables of a source: a version is replaced once. Taken before
    the transaction begins, or what is loaded after a wait would bear the moment at which the wait
    began."""
    name = f"encours.raw_{source}"
    connection.execute("select pg_advisory_lock(hashtext(%s))", [name])
    connection.commit()
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(hashtext(%s))", [name])
            connection.commit()


def check_clock(connection: psycopg.Connection, loads: sql.Identifier) -> None:
    """A version must not be older than the one it replaces: on a day in between, both would be
    the latest. `loads` is the table with a row for each load."""
    row = connection.execute(
        sql.SQL("select max(extracted_at) > now() from {}").format(loads)
    ).fetchone()
    if row is not None and row[0]:
        raise RetryableError("the last delivery bears a later moment than now: check the clock")


def take_empty_tables(
    connection: psycopg.Connection, tables: Sequence[sql.Identifier]
) -> tuple[sql.Identifier, ...]:
    """The tables that are empty, truncated in this transaction: PostgreSQL then writes the rows to
    the table only, and not to its log as well.

    All locks or none, at once: a build that reads these tables is not kept waiting for half of
    them, and where one is read at this moment the rows take the ordinary way.
    """
    empty = [table for table in tables if _is_empty(connection, table)]
    if not empty:
        return ()
    names = sql.SQL(", ").join(empty)
    try:
        with connection.transaction():
            connection.execute(
                sql.SQL("lock table {} in access exclusive mode nowait").format(names)
            )
    except errors.LockNotAvailable:
        return ()
    connection.execute(sql.SQL("truncate {}").format(names))
    return tuple(empty)


def _is_empty(connection: psycopg.Connection, table: sql.Identifier) -> bool:
    row = connection.execute(
        sql.SQL("select not exists (select 1 from {})").format(table)
    ).fetchone()
    return row is not None and bool(row[0])


def latest_versions(table: sql.Identifier) -> sql.Composed:
    """The versions that none replaces, and the address of their rows, as a subquery."""
    return sql.SQL(
        "(select ctid as row_address, * from {raw} as stored"
        " where not exists (select 1 from {raw} as newer where newer.replaced_version is not null"
        " and newer.replaced_version = stored.version_no))"
    ).format(raw=table)


def rows_known_on(table: sql.Identifier) -> sql.Composed:
    """The rows of the source as they were known on `%(known_on)s`, as a subquery: the versions that
    none had replaced by then, without what was deleted."""
    return sql.SQL(
        "(select * from {raw} as stored where extracted_at <= %(known_on)s and not is_deleted"
        " and not exists (select 1 from {raw} as newer"
        " where newer.replaced_version = stored.version_no"
        " and newer.extracted_at <= %(known_on)s))"
    ).format(raw=table)


def analyze(connection: psycopg.Connection, table: sql.Identifier) -> None:
    """Autovacuum gathers statistics a minute later; the models read them now. A sample of a tenth
    of the usual size tells keys from codes as well, in a tenth of the time."""
    connection.execute("set local default_statistics_target = 10")
    connection.execute(sql.SQL("analyze {}").format(table))
