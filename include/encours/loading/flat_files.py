"""Flat files → raw_files, one transaction per run.

A delivered folder is the state of the books of the entities it names: a changed row is a new
version, and a row that is no longer there is marked deleted. Rows that cannot be used are written
to ops.rejected_row in the same transaction, so nothing disappears between the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from encours.clients.flat_file_schema import STREAMS
from encours.clients.flat_files import ControlTotals, FlatFile, inspect_directory, read_stream
from encours.landing.store import Manifest
from encours.loading.encoding import PAYLOAD_COPY_OPTIONS, encode_batch
from encours.loading.prefetch import prefetched
from encours.warehouse.ledger import Rejection, reject_rows

UNSTORED_COLUMNS = frozenset({"line_no", "record_key"})
STREAMS_WITH_ENTITY = tuple(
    stream.name for stream in STREAMS if stream.column("entity_id") is not None
)


@dataclass(frozen=True)
class LoadedStream:
    """Rows of one stream: as delivered, refused, and what changed in raw because of them."""

    stream: str
    row_count: int
    refused_count: int
    byte_count: int
    changed_count: int
    deleted_count: int


def load_delivery(
    connection: psycopg.Connection, manifest: Manifest, run_id: str, *, is_demo: bool = False
) -> tuple[LoadedStream, ...]:
    """Load one landed folder. BadInput when a file as a whole cannot be used."""
    landed = {Path(page.name).name: manifest.path_of(page) for page in manifest.pages}
    files = inspect_directory(_gathered(manifest, landed))
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('encours.raw_files'))")
        connection.execute("select set_config('encours.run_id', %s, true)", [run_id])
        totals = {file.stream.name: _copy_stream(connection, file, run_id) for file in files}
        entities = _delivered_entities(connection, tuple(totals))
        loaded = tuple(
            _apply_stream(connection, stream.name, totals.get(stream.name), entities)
            for stream in STREAMS
        )
        names = {file.stream.name: file.path.name for file in files}
        named = set(entities) | _refused_entities(connection, run_id)
        # The gate looks for refused rows where a delivery is known, so there is always one.
        _record_delivery(connection, run_id, sorted(named) or ["main"], names, is_demo=is_demo)
    return tuple(stream for stream in loaded if stream.stream in totals or stream.deleted_count)


def retire_demo(connection: psycopg.Connection, run_id: str) -> tuple[str, ...]:
    """Mark the demo company's rows deleted, once real books arrive. Returns its entities."""
    with connection.transaction():
        connection.execute("select set_config('encours.run_id', %s, true)", [run_id])
        entities = _entities_last_delivered(connection, is_demo=True)
        deleted = 0
        if entities:
            for stream in STREAMS:
                deleted += _delete_missing(connection, stream.name, entities, was_delivered=False)
    return entities if deleted else ()


def holds_real_books(connection: psycopg.Connection) -> bool:
    """Whether a FEC or a delivery other than the demo's was ever loaded."""
    row = connection.execute("select exists (select 1 from raw_fec.ledger_files)").fetchone()
    return bool(row and row[0]) or bool(_entities_last_delivered(connection, is_demo=False))


def _entities_last_delivered(connection: psycopg.Connection, *, is_demo: bool) -> tuple[str, ...]:
    rows = connection.execute(
        "select entity_id from (select distinct on (payload ->> 'entity_id')"
        " payload ->> 'entity_id' as entity_id, payload ->> 'is_demo' = 'true' as is_demo"
        " from raw_files.deliveries order by payload ->> 'entity_id', version_no desc) as latest"
        " where is_demo = %s",
        [is_demo],
    ).fetchall()
    return tuple(row[0] for row in rows)


def gathered_folder(manifest: Manifest) -> Path:
    return Path(manifest.folder) / "delivery"


def _gathered(manifest: Manifest, landed: dict[str, Path]) -> Path:
    """The folder of links through which the landed pages look like the delivered folder."""
    folder = gathered_folder(manifest)
    folder.mkdir(exist_ok=True)
    for name, path in landed.items():
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(path)
    return folder


def _incoming(stream: str) -> sql.Identifier:
    return sql.Identifier(f"incoming_{stream}")


def _copy_stream(connection: psycopg.Connection, file: FlatFile, run_id: str) -> ControlTotals:
    name = file.stream.name
    connection.execute(
        sql.SQL(
            "create temp table {} (record_key text, line_no bigint, payload jsonb,"
            " payload_hash text) on commit drop"
        ).format(_incoming(name))
    )
    totals = ControlTotals()
    rejections: list[Rejection] = []
    copy_in = sql.SQL("copy {} from stdin " + PAYLOAD_COPY_OPTIONS).format(_incoming(name))
    with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
        for batch in prefetched(read_stream(file)):
            totals = totals.plus(batch)
            rejections.extend(
                Rejection(
                    stream=name,
                    file_name=row.file_name,
                    line_no=row.line_no,
                    column=row.column,
                    reason=row.reason,
                    record_key=row.record_key,
                    value_excerpt=row.value_excerpt,
                )
                for row in batch.refused
            )
            table = batch.table
            copy.write(
                encode_batch(
                    table,
                    record_key=table.column("record_key").combine_chunks(),
                    line_no=table.column("line_no").combine_chunks(),
                    payload_columns=[
                        column for column in table.column_names if column not in UNSTORED_COLUMNS
                    ],
                    with_hash=True,
                )
            )
    connection.execute(sql.SQL("analyze {}").format(_incoming(name)))
    rejections.extend(_take_duplicates(connection, file))
    if rejections:
        reject_rows(connection, run_id, "files", rejections)
    return ControlTotals(totals.rows_read, len(rejections), totals.blank_rows, totals.bytes_read)


def _take_duplicates(connection: psycopg.Connection, file: FlatFile) -> list[Rejection]:
    """Only the first row of a key stays; which of two is right is not ours to guess."""
    rows = connection.execute(
        sql.SQL(
            "with ranked as (select ctid as row_address, record_key, line_no,"
            " first_value(line_no) over same_key as first_line,"
            " row_number() over same_key as place"
            " from {table} window same_key as (partition by record_key order by line_no)),"
            " removed as (delete from {table} using ranked"
            " where {table}.ctid = ranked.row_address and ranked.place > 1"
            " returning ranked.record_key, ranked.line_no, ranked.first_line)"
            " select * from removed order by line_no"
        ).format(table=_incoming(file.stream.name))
    ).fetchall()
    return [
        Rejection(
            stream=file.stream.name,
            file_name=file.path.name,
            line_no=line_no,
            column=file.stream.key_columns[-1],
            reason=f"duplicate key, first seen on line {first_line}: keep one of the two rows",
            record_key=record_key,
        )
        for record_key, line_no, first_line in rows
    ]


def _delivered_entities(connection: psycopg.Connection, streams: Sequence[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for stream in streams:
        if stream in STREAMS_WITH_ENTITY:
            rows = connection.execute(
                sql.SQL("select distinct payload ->> 'entity_id' from {}").format(_incoming(stream))
            ).fetchall()
            found.update(row[0] for row in rows)
    return tuple(sorted(found))


def _refused_entities(connection: psycopg.Connection, run_id: str) -> set[str]:
    """Entities that the keys of refused rows begin with; a malformed row has no key."""
    rows = connection.execute(
        "select distinct split_part(record_key, '|', 1) from ops.rejected_row"
        " where run_id = %s and found_by = 'load' and record_key like '%%|%%'",
        [run_id],
    ).fetchall()
    return {row[0] for row in rows}


def _apply_stream(
    connection: psycopg.Connection,
    stream: str,
    totals: ControlTotals | None,
    entities: Sequence[str],
) -> LoadedStream:
    changed = 0
    if totals is not None:
        changed = connection.execute(
            sql.SQL(
                "insert into {raw} (record_key, payload, payload_hash, line_no)"
                " select incoming.record_key, incoming.payload, incoming.payload_hash,"
                " incoming.line_no from {incoming} as incoming"
                " left join (select distinct on (record_key) record_key, payload_hash, is_deleted"
                "   from {raw} order by record_key, version_no desc) as latest"
                " on incoming.record_key = latest.record_key"
                " where latest.record_key is null or latest.is_deleted"
                " or latest.payload_hash <> incoming.payload_hash"
            ).format(raw=sql.Identifier("raw_files", stream), incoming=_incoming(stream))
        ).rowcount
    deleted = 0
    # What belongs to no entity is only replaced by a delivery of the same stream.
    if totals is not None or stream in STREAMS_WITH_ENTITY:
        deleted = _delete_missing(connection, stream, entities, was_delivered=totals is not None)
    if changed or deleted:
        # Autovacuum gathers statistics a minute later; the models read them now.
        connection.execute(sql.SQL("analyze {}").format(sql.Identifier("raw_files", stream)))
    totals = totals or ControlTotals()
    return LoadedStream(
        stream=stream,
        row_count=totals.rows_read,
        refused_count=totals.rows_refused,
        byte_count=totals.bytes_read,
        changed_count=changed,
        deleted_count=deleted,
    )


def _delete_missing(
    connection: psycopg.Connection, stream: str, entities: Sequence[str], *, was_delivered: bool
) -> int:
    """Mark what the delivered entities no longer have. Streams without entity belong to all."""
    scope = (
        sql.SQL("latest.payload ->> 'entity_id' = any(%s)")
        if stream in STREAMS_WITH_ENTITY
        else sql.SQL("%s::text[] is not null")
    )
    still_there = (
        sql.SQL(
            "not exists (select 1 from {incoming} as incoming"
            " where incoming.record_key = latest.record_key)"
        ).format(incoming=_incoming(stream))
        if was_delivered
        else sql.SQL("true")
    )
    return connection.execute(
        sql.SQL(
            "insert into {raw} (record_key, payload, payload_hash, is_deleted, line_no)"
            " select latest.record_key, latest.payload, latest.payload_hash, true, latest.line_no"
            " from (select distinct on (record_key) * from {raw}"
            "   order by record_key, version_no desc) as latest"
            " where not latest.is_deleted and {scope} and {still_there}"
        ).format(raw=sql.Identifier("raw_files", stream), scope=scope, still_there=still_there),
        [list(entities)],
    ).rowcount


def _record_delivery(
    connection: psycopg.Connection,
    run_id: str,
    entities: Sequence[str],
    names: Mapping[str, str],
    *,
    is_demo: bool,
) -> None:
    """`names` says which file a stream came in, for messages about its rows."""
    for entity_id in entities:
        payload = json.dumps({"entity_id": entity_id, "is_demo": is_demo, "files": names})
        connection.execute(
            "insert into raw_files.deliveries (record_key, payload, payload_hash)"
            " values (%s, %s, md5(%s))",
            [f"{run_id}|{entity_id}", payload, payload],
        )
