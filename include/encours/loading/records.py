"""What an API answered → raw_<source>, one transaction for all streams of a run and entity.

The records of a stream are read from its landed answers. A first reading goes straight into the
raw table; a later one into a temporary table, and from there what differs from the latest versions.
A reading of everything marks what it did not find deleted. `raw_<source>.readings` remembers up to
where each stream was read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import class_row

from encours.clients.api import Record
from encours.errors import FatalError, RetryableError
from encours.landing.responses import LandedResponses, ResponseManifest
from encours.loading.payload_versions import (
    INCOMING_COLUMNS,
    Incoming,
    apply_incoming,
    is_first_reading,
    make_incoming,
    settle_incoming,
)
from encours.loading.prefetch import prefetched
from encours.loading.raw_tables import LoadedStream, analyze, check_clock, take_empty_tables
from encours.sources.source import ApiSource

_COPY_BYTES = 1 << 20
_NOTHING = b"\\N"
# Keys in one order, or the same payload would differ from itself. A number keeps the digits that
# the source sent: amounts are not rounded on their way into jsonb.
_PAYLOADS = msgspec.json.Encoder(decimal_format="number", order="sorted")
_KEY_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\0": None})


class Incomplete(RetryableError):
    """A reading of everything found fewer records than the source says it has."""

    def __init__(self, source: str, stream: str, stated: int, read: int) -> None:
        self.stream = stream
        self.stated = stated
        self.read = read
        super().__init__(
            f"{source} {stream}: {read} records were read where the source states {stated};"
            " nothing was loaded"
        )


@dataclass(frozen=True)
class LastReading:
    """How far one stream of an entity was read and loaded: where the next window begins (on the
    source's clock), when it was loaded last, and when it was last read whole (on ours)."""

    stream: str
    company_id: str
    watermark: datetime | None
    loaded_at: datetime
    read_whole_at: datetime | None


def load_responses(
    connection: psycopg.Connection,
    source: ApiSource,
    manifest: ResponseManifest,
    run_id: str,
    *,
    is_demo: bool = False,
) -> tuple[LoadedStream, ...]:
    """Load one landed reading, alone (`alone_in_raw(connection, source.key)`); a second time it
    changes nothing.

    Incomplete where a stream lacks records, RetryableError where the clock went back, FatalError
    where a newer reading is loaded, another company was read or a record cannot be stored.
    """
    readings = sql.Identifier(f"raw_{source.key}", "readings")
    with connection.transaction():
        connection.execute(
            "select set_config('encours.run_id', %s, true),"
            " set_config('encours.entity_id', %s, true)",
            [run_id, manifest.entity_id],
        )
        check_clock(connection, readings)
        check_company(connection, source.key, manifest.entity_id, manifest.company_id)
        _check_order(connection, readings, manifest)
        before = last_readings(connection, source.key, manifest.entity_id)
        take_empty_tables(connection, [_raw(source, landed) for landed in manifest.streams])
        loaded = tuple(
            _load_stream(connection, source, manifest, landed, before.get(landed.name))
            for landed in manifest.streams
        )
        _record_reading(connection, readings, manifest, loaded, is_demo=is_demo)
    return loaded


def last_readings(
    connection: psycopg.Connection, source: str, entity_id: str
) -> Mapping[str, LastReading]:
    """By stream; a stream that was never loaded is not there."""
    with connection.transaction(), connection.cursor(row_factory=class_row(LastReading)) as cursor:
        found = cursor.execute(
            sql.SQL(
                "select distinct on (stream) stream, company_id,"
                " (facts ->> 'watermark')::timestamptz as watermark, extracted_at as loaded_at,"
                " max(extracted_at) filter (where facts ->> 'since' is null)"
                " over (partition by stream) as read_whole_at"
                " from {}, jsonb_each(streams) as of_stream (stream, facts)"
                " where entity_id = %s order by stream, reading_no desc"
            ).format(sql.Identifier(f"raw_{source}", "readings")),
            [entity_id],
        ).fetchall()
    return {reading.stream: reading for reading in found}


def check_company(
    connection: psycopg.Connection, source: str, entity_id: str, company_id: str
) -> None:
    """FatalError where the entity holds another company's books: the two must not be mixed."""
    with connection.transaction():
        row = connection.execute(
            sql.SQL(
                "select company_id from {} where entity_id = %s order by reading_no desc limit 1"
            ).format(sql.Identifier(f"raw_{source}", "readings")),
            [entity_id],
        ).fetchone()
    if row is not None and row[0] != company_id:
        raise FatalError(
            f"{source} {entity_id}: the connection now opens another company, {company_id} instead"
            f" of {row[0]}: give it an entity of its own, or the credentials of {row[0]} again"
        )


def next_watermark(
    landed: LandedResponses, updated_at: datetime | None, previous: datetime | None
) -> datetime | None:
    """Where the next window begins, less its overlap: at the first answer, by the source's clock;
    where it tells none, at the latest change that was read; else where this one began. A stream of
    which everything was wanted and nothing was asked (no right to it) begins anew."""
    if landed.is_full and not landed.exchange_count:
        return None
    return landed.answered_at or updated_at or previous


def _raw(source: ApiSource, landed: LandedResponses) -> sql.Identifier:
    return sql.Identifier(f"raw_{source.key}", source.stream(landed.name).name)


def _check_order(
    connection: psycopg.Connection, readings: sql.Identifier, manifest: ResponseManifest
) -> None:
    """An old run that is started again from its landed answers would undo what was read since."""
    row = connection.execute(
        sql.SQL(
            "select run_id from {} where entity_id = %s and landed_at > %s"
            " order by reading_no desc limit 1"
        ).format(readings),
        [manifest.entity_id, manifest.landed_at],
    ).fetchone()
    if row is not None:
        raise FatalError(
            f"{manifest.source} {manifest.entity_id}: run {manifest.run_id} was read before run"
            f" {row[0]}, which is loaded: start a new run instead of this one"
        )


# ---------------------------------------------------------------- one stream


def _load_stream(
    connection: psycopg.Connection,
    source: ApiSource,
    manifest: ResponseManifest,
    landed: LandedResponses,
    before: LastReading | None,
) -> LoadedStream:
    raw = _raw(source, landed)
    name = f"{source.key} {landed.name}"
    with _storable(name):
        is_first = is_first_reading(connection, raw, manifest.entity_id)
        table = raw if is_first else make_incoming(connection, landed.name)
        row_count = _copy_records(connection, table, _blocks(source, manifest, landed.name))
        incoming = settle_incoming(connection, table, manifest.entity_id, is_first=is_first)
        _check_total(source, landed, incoming)
        changed, deleted = apply_incoming(
            connection, raw, manifest.entity_id, incoming, is_full=landed.is_full
        )
    if not is_first:
        connection.execute(sql.SQL("drop table {}").format(table))
    if changed or deleted:
        analyze(connection, raw)
    return LoadedStream(
        stream=landed.name,
        row_count=row_count,
        refused_count=0,
        byte_count=landed.byte_count,
        changed_count=changed,
        deleted_count=deleted,
        watermark=next_watermark(landed, incoming.updated_at, before.watermark if before else None),
    )


@contextmanager
def _storable(name: str) -> Iterator[None]:
    """The message of the database quotes the payload, which belongs in no log."""
    try:
        yield
    except psycopg.DataError as error:
        raise FatalError(
            f"{name}: a record cannot be stored: {error.diag.message_primary}"
        ) from None


def _check_total(source: ApiSource, landed: LandedResponses, incoming: Incoming) -> None:
    stated = landed.stated_total
    if landed.is_full and stated is not None and stated > incoming.listed_count:
        raise Incomplete(source.key, landed.name, stated, incoming.listed_count)


def _copy_records(
    connection: psycopg.Connection, table: sql.Identifier, blocks: Iterator[tuple[int, bytes]]
) -> int:
    statement = sql.SQL("copy {} ({}) from stdin").format(
        table, sql.SQL(", ").join(map(sql.Identifier, INCOMING_COLUMNS))
    )
    row_count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for count, rows in prefetched(blocks):
            copy.write(rows)
            row_count += count
    return row_count


def _blocks(
    source: ApiSource, manifest: ResponseManifest, stream: str
) -> Iterator[tuple[int, bytes]]:
    """Rows for COPY, and how many."""
    rows: list[bytes] = []
    size = 0
    for exchange in manifest.exchanges(stream):
        for record in source.read_records(stream, exchange):
            row = _row(record)
            rows.append(row)
            size += len(row)
            if size >= _COPY_BYTES:
                yield len(rows), b"".join(rows)
                rows.clear()
                size = 0
    yield len(rows), b"".join(rows)


def _row(record: Record) -> bytes:
    """In the text format of COPY; JSON text itself holds no tab and no line end."""
    payload, digest = b"{}", b""
    if record.payload or not record.is_deleted:
        payload = _PAYLOADS.encode(record.payload)
        if b"\\u0000" in payload:
            payload = _PAYLOADS.encode(_without_nul(record.payload))
        digest = hashlib.blake2b(payload, digest_size=16).hexdigest().encode()
        payload = payload.replace(b"\\", b"\\\\")
    moment = record.updated_at
    return b"\t".join(
        (
            record.key.translate(_KEY_ESCAPES).encode(),
            payload,
            digest,
            moment.isoformat().encode() if moment else _NOTHING,
            b"t\n" if record.is_deleted else b"f\n",
        )
    )


def _without_nul(value: Any) -> Any:
    """PostgreSQL has no text with the character NUL."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, Mapping):
        return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nul(item) for item in value]
    return value


# ---------------------------------------------------------------- the reading itself


def _record_reading(
    connection: psycopg.Connection,
    readings: sql.Identifier,
    manifest: ResponseManifest,
    loaded: tuple[LoadedStream, ...],
    *,
    is_demo: bool,
) -> None:
    streams = {
        stream.stream: {
            "since": landed.since and landed.since.isoformat(),
            "watermark": stream.watermark and stream.watermark.isoformat(),
            "row_count": stream.row_count,
            "changed_count": stream.changed_count,
            "deleted_count": stream.deleted_count,
        }
        for landed, stream in zip(manifest.streams, loaded, strict=True)
    }
    connection.execute(
        sql.SQL(
            "insert into {} (entity_id, company_id, landed_at, streams, is_demo)"
            " values (%s, %s, %s, %s, %s)"
        ).format(readings),
        [manifest.entity_id, manifest.company_id, manifest.landed_at, json.dumps(streams), is_demo],
    )
