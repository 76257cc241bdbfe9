"""The versions of a raw table of an API, in SQL: which is the latest, what changed.

Keys are compared by hash joins of narrow rows; a payload is fetched by the address of its row, and
only where it is written or compared. Nothing moves rows of an append-only table while a statement
reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from encours.loading.raw_tables import latest_versions

INCOMING_COLUMNS = ("record_key", "payload", "payload_hash", "source_updated_at", "is_deleted")


@dataclass(frozen=True)
class Incoming:
    """What was read of one stream, one row per key: in a temporary table, or, where the entity had
    nothing in the raw table before, already there (`is_first`).

    `listed_count` is the number of keys that came with a payload: those that a listing has, where
    a list of deleted keys has none. `key_count` includes the `deleted_count`.
    """

    table: sql.Identifier
    is_first: bool
    key_count: int
    listed_count: int
    deleted_count: int
    updated_at: datetime | None


def is_first_reading(connection: psycopg.Connection, raw: sql.Identifier, entity_id: str) -> bool:
    row = connection.execute(
        sql.SQL("select not exists (select 1 from {} where entity_id = %s)").format(raw),
        [entity_id],
    ).fetchone()
    return row is not None and bool(row[0])


def make_incoming(connection: psycopg.Connection, stream: str) -> sql.Identifier:
    """A temporary table in the order of reading. Payloads stay text in it: most of them are not
    stored again. The hash of a payload that was not sent is empty."""
    table = sql.Identifier(f"incoming_{stream}")
    connection.execute(
        sql.SQL(
            "create temp table {} (record_key text, payload text, payload_hash text,"
            " source_updated_at timestamptz, is_deleted boolean,"
            " entity_id text default current_setting('encours.entity_id')) on commit drop"
        ).format(table)
    )
    return table


def settle_incoming(
    connection: psycopg.Connection, table: sql.Identifier, entity_id: str, *, is_first: bool
) -> Incoming:
    """Removes all records of a key but the last: by the moment of their change, then as read. A
    record without a moment is as late as the latest before it. The rows are of this transaction:
    nobody has seen them."""
    names = {"table": table, "entity": sql.Literal(entity_id)}
    row = connection.execute(
        sql.SQL(
            "select coalesce(sum(row_count), 0), count(*), count(*) filter (where is_listed),"
            " count(*) filter (where is_deleted), max(updated_at) from (select"
            " count(*) as row_count, bool_or(payload_hash <> '') as is_listed,"
            " bool_or(is_deleted) as is_deleted, max(source_updated_at) as updated_at"
            " from {table} where entity_id = {entity} group by record_key) as keys"
        ).format(**names)
    ).fetchone()
    assert row is not None
    row_count, key_count, listed_count, deleted_count, updated_at = row
    if row_count > key_count:
        connection.execute(
            sql.SQL(
                "with dated as (select ctid as row_address, record_key,"
                " coalesce(source_updated_at, max(source_updated_at) over"
                " (partition by record_key order by ctid)) as moment from {table}"
                " where entity_id = {entity} and record_key in (select record_key from {table}"
                " where entity_id = {entity} group by record_key having count(*) > 1)),"
                " ranked as (select row_address, row_number() over (partition by record_key"
                " order by moment desc nulls last, row_address desc) as place from dated)"
                " delete from {table} as read using ranked"
                " where read.ctid = ranked.row_address and ranked.place > 1"
            ).format(**names)
        )
    if is_first and deleted_count:
        # What was gone before it was ever seen is no news.
        deleted_count = connection.execute(
            sql.SQL("delete from {table} where entity_id = {entity} and is_deleted").format(**names)
        ).rowcount
    return Incoming(table, is_first, key_count, listed_count, deleted_count, updated_at)


def apply_incoming(
    connection: psycopg.Connection,
    raw: sql.Identifier,
    entity_id: str,
    incoming: Incoming,
    *,
    is_full: bool,
) -> tuple[int, int]:
    """A new version of each record that is new, differs from its latest version, goes or comes
    back, and, after a reading of everything, of each that was not read: how many that are there,
    and how many that are deleted.

    Payloads are equal where their values are: a number that is written in another way (1.10 and
    1.1) changes the hash, and no more than that. A deleted record keeps its last payload.
    """
    if incoming.is_first:
        return incoming.key_count - incoming.deleted_count, 0
    connection.execute("set local enable_nestloop = off")
    row = connection.execute(
        sql.SQL(
            "with compared as ("
            "select incoming.row_address, latest.row_address as latest_address,"
            " coalesce(incoming.record_key, latest.record_key) as record_key,"
            " coalesce(incoming.payload_hash, latest.payload_hash) as payload_hash,"
            " case when incoming.is_deleted is false then incoming.source_updated_at"
            " else coalesce(incoming.source_updated_at, latest.source_updated_at) end"
            " as source_updated_at,"
            " coalesce(incoming.is_deleted, true) as is_deleted,"
            " latest.is_deleted as was_deleted, latest.version_no,"
            " coalesce(latest.first_extracted_at, latest.extracted_at) as first_extracted_at"
            " from (select ctid as row_address, record_key, source_updated_at, is_deleted,"
            " nullif(payload_hash, '') as payload_hash from {incoming}) as incoming"
            " full join (select row_address, record_key, payload_hash, source_updated_at,"
            " is_deleted, version_no, first_extracted_at, extracted_at"
            " from {latest} as known where entity_id = %(entity)s) as latest"
            " on incoming.record_key = latest.record_key"
            " where case"
            " when incoming.record_key is null then %(is_full)s and not latest.is_deleted"
            " when latest.record_key is null then not incoming.is_deleted"
            " when incoming.is_deleted <> latest.is_deleted then true"
            " else incoming.payload_hash <> latest.payload_hash end),"
            " written as (insert into {raw} (entity_id, record_key, payload, payload_hash,"
            " source_updated_at, is_deleted, replaced_version, first_extracted_at)"
            " select %(entity)s, record_key, coalesce({read}, {known}), payload_hash,"
            " source_updated_at, is_deleted, version_no, first_extracted_at from compared"
            " where case when is_deleted = was_deleted then {read} <> {known} else true end"
            " returning is_deleted)"
            " select count(*) filter (where not is_deleted), count(*) filter (where is_deleted)"
            " from written"
        ).format(
            raw=raw,
            incoming=incoming.table,
            latest=latest_versions(raw),
            read=sql.SQL(
                "(select read.payload::jsonb from {} as read"
                " where read.ctid = compared.row_address and read.payload_hash <> '')"
            ).format(incoming.table),
            known=sql.SQL(
                "(select stored.payload from {} as stored"
                " where stored.ctid = compared.latest_address)"
            ).format(raw),
        ),
        {"entity": entity_id, "is_full": is_full},
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def delete_all(connection: psycopg.Connection, raw: sql.Identifier, entities: Sequence[str]) -> int:
    """Mark all records of these entities deleted; they keep their last payload."""
    connection.execute("set local enable_nestloop = off")
    return connection.execute(
        sql.SQL(
            "insert into {raw} (entity_id, record_key, payload, payload_hash, source_updated_at,"
            " is_deleted, replaced_version, first_extracted_at)"
            " select entity_id, record_key, payload, payload_hash, source_updated_at, true,"
            " version_no, coalesce(first_extracted_at, extracted_at) from {latest} as latest"
            " where entity_id = any(%s) and not is_deleted"
        ).format(raw=raw, latest=latest_versions(raw)),
        [list(entities)],
    ).rowcount
