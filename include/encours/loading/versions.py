"""The versions of a raw table of the flat files, in SQL: which is the latest, what changed.

Every statement reads whole tables, so all joins are hash joins: where statistics are missing, the
planner takes a delivery for a handful of rows and compares each of them with each stored one.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
from psycopg import sql

from encours.clients.flat_file_schema import Stream
from encours.loading.raw_schema import flat_file_columns
from encours.loading.raw_tables import latest_versions


def raw_table(stream: Stream) -> sql.Identifier:
    return sql.Identifier("raw_files", stream.name)


def has_entity(stream: Stream) -> bool:
    return stream.column("entity_id") is not None


def make_incoming(connection: psycopg.Connection, stream: Stream) -> sql.Identifier:
    """A temporary table for the rows of one file."""
    table = sql.Identifier(f"incoming_{stream.name}")
    columns = sql.SQL(", ").join(
        sql.SQL("{} text").format(sql.Identifier(name)) for name in flat_file_columns(stream)
    )
    connection.execute(
        sql.SQL("create temp table {} (record_key text, line_no bigint, {}) on commit drop").format(
            table, columns
        )
    )
    return table


def take_duplicates(
    connection: psycopg.Connection, table: sql.Identifier
) -> list[tuple[str, int, int]]:
    """Removes all rows of a key but the first: which of two is right is not ours to guess.

    Key and line of each, and the line of the first. The rows are of this transaction: nobody has
    seen them.
    """
    return connection.execute(
        sql.SQL(
            "with ranked as (select ctid as row_address, record_key, line_no,"
            " first_value(line_no) over same_key as first_line,"
            " row_number() over same_key as place"
            " from {table} window same_key as (partition by record_key order by line_no)),"
            " removed as (delete from {table} as copied using ranked"
            " where copied.ctid = ranked.row_address and ranked.place > 1"
            " returning ranked.record_key, ranked.line_no, ranked.first_line)"
            " select * from removed order by line_no"
        ).format(table=table)
    ).fetchall()


def apply_incoming(
    connection: psycopg.Connection,
    stream: Stream,
    entities: Sequence[str],
    incoming: sql.Identifier,
) -> tuple[int, int]:
    """A new version of each row that is new, differs from its latest version or comes back, and of
    each that the delivered entities no longer have: how many of the one and the other kind.

    Both at once: the stored rows are read and the delivered ones compared with them one time.
    """
    connection.execute("set local enable_nestloop = off")
    row = connection.execute(
        sql.SQL(
            "with written as ("
            "insert into {raw} (record_key, {columns}, line_no, is_deleted, replaced_version,"
            " first_extracted_at)"
            " select {either_key}, {either}, {either_line}, incoming.record_key is null,"
            " latest.version_no, coalesce(latest.first_extracted_at, latest.extracted_at)"
            " from {incoming} as incoming"
            " full join (select * from {latest} as known where {is_delivered}) as latest"
            " on incoming.record_key = latest.record_key"
            " where case"
            " when incoming.record_key is null then not latest.is_deleted"
            " when latest.version_no is null or latest.is_deleted then true"
            " else ({incoming_columns}) is distinct from ({latest_columns}) end"
            " returning is_deleted)"
            " select count(*) filter (where not is_deleted), count(*) filter (where is_deleted)"
            " from written"
        ).format(
            raw=raw_table(stream),
            columns=_columns(stream),
            either_key=_either("record_key"),
            either=sql.SQL(", ").join(map(_either, flat_file_columns(stream))),
            either_line=_either("line_no"),
            incoming=incoming,
            latest=latest_versions(raw_table(stream)),
            # What belongs to no entity is all of it replaced.
            is_delivered=sql.SQL("entity_id = any(%(entities)s)" if has_entity(stream) else "true"),
            incoming_columns=_columns(stream, "incoming"),
            latest_columns=_columns(stream, "latest"),
        ),
        {"entities": list(entities)},
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def delete_all(connection: psycopg.Connection, stream: Stream, entities: Sequence[str]) -> int:
    """Mark all rows of these entities deleted; those of a stream without entity whatever they
    belong to."""
    connection.execute("set local enable_nestloop = off")
    conditions: list[sql.Composable] = [sql.SQL("not latest.is_deleted")]
    if has_entity(stream):
        conditions.append(sql.SQL("latest.entity_id = any(%(entities)s)"))
    return connection.execute(
        sql.SQL(
            "insert into {raw} (record_key, {columns}, line_no, is_deleted, replaced_version,"
            " first_extracted_at)"
            " select latest.record_key, {latest_columns}, latest.line_no, true, latest.version_no,"
            " coalesce(latest.first_extracted_at, latest.extracted_at)"
            " from {latest} as latest where {conditions}"
        ).format(
            raw=raw_table(stream),
            columns=_columns(stream),
            latest=latest_versions(raw_table(stream)),
            latest_columns=_columns(stream, "latest"),
            conditions=sql.SQL(" and ").join(conditions),
        ),
        {"entities": list(entities)},
    ).rowcount


def _either(column: str) -> sql.Composed:
    """As delivered; as it last was, where it is no longer delivered."""
    return sql.SQL(
        "case when incoming.record_key is null then latest.{name} else incoming.{name} end"
    ).format(name=sql.Identifier(column))


def _columns(stream: Stream, table: str | None = None) -> sql.Composed:
    prefix = (table,) if table else ()
    return sql.SQL(", ").join(sql.Identifier(*prefix, name) for name in flat_file_columns(stream))
