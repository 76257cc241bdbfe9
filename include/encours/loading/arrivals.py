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


def unread_sources(
    connection: psycopg.Connection, known_on: datetime | None = None
) -> tuple[str, ...]:
    """The sources of which nothing has ever arrived, or had until `known_on`."""
    unread = tuple(
        key
        for key, table in ARRIVALS.items()
        if not connection.execute(
            sql.SQL(
                "select 1 from {} where extracted_at <= coalesce(%s, extracted_at) limit 1"
            ).format(table),
            [known_on],
        ).fetchone()
    )
    connection.commit()
    return unread


def is_api_read(connection: psycopg.Connection, known_on: datetime) -> bool:
    """Whether books of a company, other than the demo's, were read through an API until then."""
    return any(
        connection.execute(
            sql.SQL("select 1 from {} where not is_demo and extracted_at <= %s limit 1").format(
                ARRIVALS[key]
            ),
            [known_on],
        ).fetchone()
        for key in API_SOURCES
    )
