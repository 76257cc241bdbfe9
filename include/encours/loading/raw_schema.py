"""The raw tables: append-only, never updated, never deleted.

The lines of a FEC belong to a delivered file (a snapshot), so they carry its number. A record of
the flat files is one row per version, and a version names the one it replaces: the latest versions
are those that no known version replaces, found by one scan and an index of the replaced ones only,
where ordering all versions of a record sorted a million rows for each model that read them. So are
the records of an API, whose columns are the vendor's: they stay one payload.

Columns that are fixed (by law, or by the contract) are text columns and not one jsonb payload:
reading, encoding and COPY of a million lines took 1.4 to 2.1 times a plain COPY, against 4.6 times
as jsonb objects. Columns that are the same for a whole load take their value from the session by
default, which leaves COPY only what differs from row to row.
"""

from __future__ import annotations

import psycopg

from encours.clients.fec_columns import OUTPUT_COLUMNS
from encours.clients.flat_file_schema import STREAMS_BY_NAME, Stream
from encours.sources.registry import SOURCES
from encours.sources.source import ApiSource, FileSource, Source
from encours.warehouse.ledger import apply_schema

VERSIONED_STREAM = """
create table if not exists raw_{source}.{stream} (
    version_no bigint generated always as identity,
    record_key text not null,
    payload jsonb not null,
    payload_hash text not null,
    source_updated_at timestamptz,
    extracted_at timestamptz not null default now(),
    run_id text not null default current_setting('encours.run_id'),
    is_deleted boolean not null default false,
    line_no bigint
);
create index if not exists {stream}_record on raw_{source}.{stream} (record_key, version_no desc);
"""

# Empty text is null: the file says nothing. `custom` is a JSON object of the columns that the
# contract does not know. `first_extracted_at` is when the record was first seen, on its later
# versions only. Numbers are drawn in lots: they name versions and need not follow each other.
#
# The run that wrote a version is that of the delivery of the same moment: as a text on each row it
# was a quarter of what a COPY into these tables took. Columns of fixed width come first, where
# PostgreSQL finds them without reading the others; the index asks for one of them.
FLAT_FILE_STREAM = """
create table if not exists raw_files.{stream} (
    version_no bigint generated always as identity (cache 1000),
    extracted_at timestamptz not null default now(),
    line_no bigint,
    is_deleted boolean not null default false,
    replaced_version bigint,
    first_extracted_at timestamptz,
    record_key text not null,
    {columns}
);
create unique index if not exists {stream}_replaced
    on raw_files.{stream} (replaced_version) where replaced_version is not null;
"""

# A record of an API is what the source sent, one row per version. Its hash tells most of what did
# not change without reading the payload.
API_STREAM = """
create table if not exists raw_{source}.{stream} (
    version_no bigint generated always as identity (cache 1000),
    extracted_at timestamptz not null default now(),
    source_updated_at timestamptz,
    replaced_version bigint,
    first_extracted_at timestamptz,
    is_deleted boolean not null default false,
    entity_id text not null default current_setting('encours.entity_id'),
    record_key text not null,
    payload_hash text not null,
    run_id text not null default current_setting('encours.run_id'),
    payload jsonb not null
);
create unique index if not exists {stream}_replaced
    on raw_{source}.{stream} (replaced_version) where replaced_version is not null;
"""

# One row per loaded run and entity; `streams` holds, by stream, its window and its watermark.
API_READINGS = """
create table if not exists raw_{source}.readings (
    reading_no bigint generated always as identity primary key,
    extracted_at timestamptz not null default now(),
    run_id text not null default current_setting('encours.run_id'),
    entity_id text not null,
    company_id text not null,
    landed_at timestamptz not null,
    streams jsonb not null
);
alter table raw_{source}.readings
    add column if not exists is_demo boolean not null default false;
"""

FEC_SNAPSHOTS = """
create table if not exists raw_fec.ledger_files (
    snapshot_id bigint generated always as identity primary key,
    record_key text not null,
    entity_id text not null,
    payload jsonb not null,
    payload_hash text not null,
    source_updated_at timestamptz,
    extracted_at timestamptz not null default now(),
    run_id text not null default current_setting('encours.run_id'),
    is_deleted boolean not null default false
);

create table if not exists raw_fec.ledger_lines (
    snapshot_id bigint not null default current_setting('encours.snapshot_id')::bigint,
    {columns},
    extracted_at timestamptz not null default now(),
    run_id text not null default current_setting('encours.run_id')
);
create index if not exists ledger_lines_snapshot
    on raw_fec.ledger_lines using brin (snapshot_id);
"""


def ensure_raw(connection: psycopg.Connection) -> None:
    """Create the raw schema and tables of every registered source."""
    for source in SOURCES.values():
        ensure_source(connection, source)


def ensure_source(connection: psycopg.Connection, source: Source) -> None:
    statements = [f"create schema if not exists raw_{source.key}"]
    if source.key == "fec":
        statements.append(FEC_SNAPSHOTS.format(columns=_fec_columns()))
    if isinstance(source, FileSource):
        statements.extend(_versioned(source.key, stream) for stream in source.streams)
    if isinstance(source, ApiSource):
        statements.append(API_READINGS.format(source=source.key))
        statements.extend(
            API_STREAM.format(source=source.key, stream=stream.name) for stream in source.streams
        )
    apply_schema(connection, f"raw_{source.key}", statements)


def flat_file_columns(stream: Stream) -> tuple[str, ...]:
    """What a raw table of the flat files holds of a row, besides its key and its stamps."""
    names = tuple(column.name for column in stream.columns)
    return (*names, "custom") if stream.allows_custom else names


def _versioned(source: str, stream: str) -> str:
    if source != "files" or stream not in STREAMS_BY_NAME:
        return VERSIONED_STREAM.format(source=source, stream=stream)
    columns = ", ".join(f"{name} text" for name in flat_file_columns(STREAMS_BY_NAME[stream]))
    return FLAT_FILE_STREAM.format(stream=stream, columns=columns)


def _fec_columns() -> str:
    """Text as the reader gives it; empty means that the line says nothing."""
    kinds = {"line_no": "bigint"}
    return ", ".join(f"{name} {kinds.get(name, 'text')} not null" for name in OUTPUT_COLUMNS)
