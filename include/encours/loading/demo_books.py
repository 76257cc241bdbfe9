"""The demo group's books never stand beside real ones: they are refused, or set aside."""

from __future__ import annotations

import psycopg
from psycopg import sql

from encours.clients.flat_file_schema import STREAMS
from encours.loading import payload_versions, versions
from encours.sources.registry import API_SOURCES

# Of each entity, whether what arrived last was the demo group's.
LAST_DELIVERED = sql.SQL(
    "select distinct on (payload ->> 'entity_id') payload ->> 'entity_id' as entity_id,"
    " payload ->> 'is_demo' = 'true' as is_demo"
    " from raw_files.deliveries order by payload ->> 'entity_id', version_no desc"
)
LAST_READ = (
    "select distinct on (entity_id) entity_id, is_demo from {} order by entity_id, reading_no desc"
)


def retire_demo(connection: psycopg.Connection, run_id: str) -> bool:
    """Mark the rows of the demo group deleted, once real books arrive. Whether there were any."""
    deleted = 0
    with connection.transaction():
        connection.execute("select set_config('encours.run_id', %s, true)", [run_id])
        if entities := _entities(connection, LAST_DELIVERED, is_demo=True):
            for stream in STREAMS:
                deleted += versions.delete_all(connection, stream, entities)
        for source in API_SOURCES.values():
            if entities := _entities(connection, _last_read(source.key), is_demo=True):
                for name in (stream.name for stream in source.streams):
                    raw = sql.Identifier(f"raw_{source.key}", name)
                    deleted += payload_versions.delete_all(connection, raw, entities)
    return deleted > 0


def holds_real_books(connection: psycopg.Connection) -> bool:
    """Whether a FEC, a delivery or a company's API that is not the demo's was ever loaded."""
    row = connection.execute("select exists (select 1 from raw_fec.ledger_files)").fetchone()
    return bool(row and row[0]) or any(
        _entities(connection, last, is_demo=False)
        for last in (LAST_DELIVERED, *map(_last_read, API_SOURCES))
    )


def _last_read(source: str) -> sql.Composable:
    return sql.SQL(LAST_READ).format(sql.Identifier(f"raw_{source}", "readings"))


def _entities(
    connection: psycopg.Connection, last: sql.Composable, *, is_demo: bool
) -> tuple[str, ...]:
    rows = connection.execute(
        sql.SQL("select entity_id from ({}) as latest where is_demo = %s").format(last), [is_demo]
    ).fetchall()
    return tuple(row[0] for row in rows)
