"""What arrived from where, and when: each source has a raw table with a row for each arrival."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import psycopg
from psycopg import sql

from encours.sources.registry import API_SOURCES

ARRIVALS: Mapping[str, sql.Identifier] = {
    "fec": sql.Identifier("raw_fec", "ledger_files"),
    "files": sql.Identifier("raw_files", "deliveries"),
    **{key: sql.Identifier(f"raw_{key}", "readings") for key in API_SOURCES},
}


def last_extraction(connection: psycopg.Connection) -> datetime | None:
    """When raw last received something; the default of known_on."""
    row = connection.execute(
        sql.SQL("select max(extracted_at) from ({}) as brought").format(
            sql.SQL(" union all ").join(
                sql.SQL("select max(extracted_at) as extracted_at from {}").format(table)
                for table in ARRIVALS.values()
            )
        )
    ).fetchone()
    connection.commit()
    return row[0] if row else None


def unread_sources(connection: psycopg.Connection) -> tuple[str, ...]:
    """The sources of which nothing has ever arrived."""
    unread = tuple(key for key in ARRIVALS if not _has_arrived(connection, key, None))
    connection.commit()
    return unread


def is_api_read(connection: psycopg.Connection, known_on: datetime | None = None) -> bool:
    """Whether the books of any company were read through an API, until `known_on` if given."""
    return any(_has_arrived(connection, key, known_on) for key in API_SOURCES)


def _has_arrived(connection: psycopg.Connection, source: str, known_on: datetime | None) -> bool:
    row = connection.execute(
        sql.SQL(
            "select exists (select 1 from {} where %(known_on)s::timestamptz is null"
            " or extracted_at <= %(known_on)s)"
        ).format(ARRIVALS[source]),
        {"known_on": known_on},
    ).fetchone()
    return row is not None and bool(row[0])
