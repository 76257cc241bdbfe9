"""Flat files → raw_files, one transaction per run.

A delivered folder is the state of the books of the entities it names: a changed row is a new
version, and a row that is no longer there is marked deleted. Rows that cannot be used are written
to ops.rejected_row in the same transaction, so nothing disappears between the two.

A first delivery goes straight into the raw tables; a later one into temporary tables, and from
there what differs from the latest versions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from encours.clients.flat_file_schema import STREAMS, Stream
from encours.clients.flat_files import (
    Block,
    ControlTotals,
    FlatBatch,
    FlatFile,
    RefusedRow,
    inspect_directory,
    judge,
    read_parts,
)
from encours.landing.store import Manifest
from encours.loading import versions
from encours.loading.encoding import NULLABLE_COPY_OPTIONS
from encours.loading.plain_rows import (
    EncodedRows,
    copied_columns,
    encode_judged,
    encode_plain,
)
from encours.loading.prefetch import prefetched
from encours.loading.raw_tables import (
    LoadedStream,
    alone_in_raw,
    analyze,
    check_clock,
    take_empty_tables,
)
from encours.warehouse.ledger import Rejection, reject_rows

if TYPE_CHECKING:
    import pyarrow as pa

DELIVERIES = sql.Identifier("raw_files", "deliveries")


@dataclass(frozen=True)
class _Block:
    """Some rows of one file as bytes of a COPY, with what has to be known of them."""

    file: FlatFile
    rows: EncodedRows
    refused: tuple[RefusedRow, ...]
    totals: ControlTotals


@dataclass(frozen=True)
class _Copied:
    """One file in its table: the raw table itself, or a temporary one."""

    file: FlatFile
    table: sql.Identifier
    totals: ControlTotals
    entities: frozenset[str]


def load_delivery(
    connection: psycopg.Connection, manifest: Manifest, run_id: str, *, is_demo: bool = False
) -> tuple[LoadedStream, ...]:
    """Load one landed folder, alone (see `alone_in_raw_files`). BadInput when a file as a whole
    cannot be used."""
    landed = {Path(page.name).name: manifest.path_of(page) for page in manifest.pages}
    files = inspect_directory(_gathered(manifest, landed))
    with connection.transaction():
        connection.execute("select set_config('encours.run_id', %s, true)", [run_id])
        check_clock(connection, DELIVERIES)
        fresh = take_empty_tables(connection, [versions.raw_table(file.stream) for file in files])
        copied = {
            item.file.stream.name: item for item in _copy_files(connection, files, fresh, run_id)
        }
        entities = sorted(frozenset().union(*(item.entities for item in copied.values())))
        loaded = tuple(
            _apply_stream(connection, stream, copied.get(stream.name), fresh, entities)
            for stream in STREAMS
        )
        names = {file.stream.name: file.path.name for file in files}
        named = {*entities, *_refused_entities(connection, run_id)}
        # The gate looks for refused rows where a delivery is known, so there is always one.
        _record_delivery(connection, run_id, sorted(named) or ["main"], names, is_demo=is_demo)
    return tuple(stream for stream in loaded if stream.stream in copied or stream.deleted_count)


def alone_in_raw_files(connection: psycopg.Connection) -> AbstractContextManager[None]:
    """One writer at a time, taken before the transaction begins: see `alone_in_raw`."""
    return alone_in_raw(connection, "files")


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


# ---------------------------------------------------------------- from the files into tables


def _copy_files(
    connection: psycopg.Connection,
    files: Sequence[FlatFile],
    fresh: Sequence[sql.Identifier],
    run_id: str,
) -> Iterator[_Copied]:
    blocks = prefetched(_blocks(files))
    for file, of_file in groupby(blocks, key=lambda block: block.file):
        table = versions.raw_table(file.stream)
        if table not in fresh:
            table = versions.make_incoming(connection, file.stream)
        yield _copy_file(connection, file, table, of_file, run_id)


def _blocks(files: Iterable[FlatFile]) -> Iterator[_Block]:
    for file in files:
        for part in read_parts(file):
            yield _plain_block(file, part) or _judged_block(file, part)


def _plain_block(file: FlatFile, part: Block | FlatBatch) -> _Block | None:
    if not isinstance(part, Block) or (rows := encode_plain(file, part)) is None:
        return None
    return _Block(file, rows, (), ControlTotals(len(rows.keys), bytes_read=part.size_bytes))


def _judged_block(file: FlatFile, part: Block | FlatBatch) -> _Block:
    batch = judge(file, part) if isinstance(part, Block) else part
    return _Block(file, encode_judged(file, batch), batch.refused, ControlTotals().plus(batch))


def _copy_file(
    connection: psycopg.Connection,
    file: FlatFile,
    table: sql.Identifier,
    blocks: Iterable[_Block],
    run_id: str,
) -> _Copied:
    statement = sql.SQL("copy {} ({}) from stdin " + NULLABLE_COPY_OPTIONS).format(
        table, sql.SQL(", ").join(map(sql.Identifier, copied_columns(file)))
    )
    totals = ControlTotals()
    entities: frozenset[str] = frozenset()
    rejections: list[Rejection] = []
    keys: list[pa.Array] = []
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for block in blocks:
            copy.write(block.rows.copied)
            totals += block.totals
            entities |= block.rows.entities
            rejections.extend(_rejection(file, row) for row in block.refused)
            keys.append(block.rows.keys)
    if _hold_duplicates(keys):
        rejections.extend(
            _duplicate(file, *row) for row in versions.take_duplicates(connection, table)
        )
    if rejections:
        reject_rows(connection, run_id, "files", rejections)
    totals = ControlTotals(totals.rows_read, len(rejections), totals.blank_rows, totals.bytes_read)
    return _Copied(file, table, totals, entities)


def _hold_duplicates(keys: Sequence[pa.Array]) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if _ascend(keys):
        return False
    column = pa.chunked_array(keys, pa.string())
    return bool(pc.count_distinct(column).as_py() < len(column))


def _ascend(keys: Sequence[pa.Array]) -> bool:
    """Whether each key is greater than the one before, as it is where a file is sorted by its key:
    found in a tenth of the time of counting the distinct ones."""
    import pyarrow.compute as pc

    filled = [part for part in keys if len(part)]
    edges = all(before[-1].as_py() < after[0].as_py() for before, after in pairwise(filled))
    return edges and all(
        pc.all(pc.less(part[:-1], part[1:]), min_count=0).as_py() for part in filled
    )


def _rejection(file: FlatFile, row: RefusedRow) -> Rejection:
    return Rejection(
        stream=file.stream.name,
        file_name=row.file_name,
        line_no=row.line_no,
        column=row.column,
        reason=row.reason,
        record_key=row.record_key,
        value_excerpt=row.value_excerpt,
    )


def _duplicate(file: FlatFile, record_key: str, line_no: int, first_line: int) -> Rejection:
    return Rejection(
        stream=file.stream.name,
        file_name=file.path.name,
        line_no=line_no,
        column=file.stream.key_columns[-1],
        reason=f"duplicate key, first seen on line {first_line}: keep one of the two rows",
        record_key=record_key,
    )


# ---------------------------------------------------------------- from the tables into raw


def _apply_stream(
    connection: psycopg.Connection,
    stream: Stream,
    copied: _Copied | None,
    fresh: Sequence[sql.Identifier],
    entities: Sequence[str],
) -> LoadedStream:
    totals = copied.totals if copied else ControlTotals()
    changed = deleted = 0
    if versions.raw_table(stream) in fresh:
        changed = totals.rows_read - totals.rows_refused
    elif copied:
        changed, deleted = versions.apply_incoming(connection, stream, entities, copied.table)
    elif versions.has_entity(stream):
        # What belongs to no entity is only replaced by a delivery of the same stream.
        deleted = versions.delete_all(connection, stream, entities)
    if changed or deleted:
        analyze(connection, versions.raw_table(stream))
    return LoadedStream(
        stream=stream.name,
        row_count=totals.rows_read,
        refused_count=totals.rows_refused,
        byte_count=totals.bytes_read,
        changed_count=changed,
        deleted_count=deleted,
    )


def _refused_entities(connection: psycopg.Connection, run_id: str) -> set[str]:
    """Entities that the keys of refused rows begin with; a malformed row has no key."""
    rows = connection.execute(
        "select distinct split_part(record_key, '|', 1) from ops.rejected_row"
        " where run_id = %s and found_by = 'load' and record_key like '%%|%%'",
        [run_id],
    ).fetchall()
    return {row[0] for row in rows}


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
