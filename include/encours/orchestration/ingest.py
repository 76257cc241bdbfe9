"""Ingest steps: what a source delivered is landed unchanged, then loaded into raw.

Each step is one task of an ingest DAG: safe to repeat, in and out are ids and small summaries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import psycopg

from encours.allocator import returned_memory
from encours.clients.fec import check_file_set, inspect_fec
from encours.clients.fec_tally import FecRefused
from encours.clients.flat_files import inspect_directory, unknown_files
from encours.errors import BadInput
from encours.landing.store import Manifest, check_pages, land_files, read_manifest
from encours.loading.demo_books import holds_real_books, retire_demo
from encours.loading.fec import load_ledgers
from encours.loading.flat_files import alone_in_raw_files, gathered_folder, load_delivery
from encours.loading.raw_schema import ensure_raw
from encours.loading.read_once import check_read_once
from encours.orchestration.failures import database_failure
from encours.settings import Settings
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.ledger import (
    Outcome,
    Rejection,
    finish_extraction,
    finish_run,
    reject_rows,
    start_extraction,
    start_run,
)
from encours.warehouse.ownership import claim

STREAM = "delivery"


@dataclass(frozen=True)
class Checked:
    """The files of a delivery, and what a person should know about the others."""

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ingested:
    """What one run of a source brought."""

    source: str
    run_id: str
    row_count: int
    refused_count: int


def land(
    settings: Settings, source: str, run_id: str, inputs: Sequence[str], stream: str = STREAM
) -> str:
    """Check that the inputs can be read as what they claim, and land them. Returns the folder.
    `stream` tells several deliveries of one run apart."""
    paths = [Path(text) for text in inputs]
    with (
        raw_connection(settings) as connection,
        _recorded(connection, run_id, source, "landing" if stream == STREAM else stream) as record,
    ):
        checked = check_inputs(source, paths)
        manifest = land_files(settings, source, stream, run_id, checked.files)
        record(
            Outcome(
                "loaded",
                len(manifest.pages),
                byte_count=manifest.byte_count,
                notes=checked.notes,
            )
        )
    return manifest.folder


def load(
    settings: Settings, source: str, run_id: str, folder: str, *, is_demo: bool = False
) -> Ingested:
    """Load a landed folder into raw, in one transaction."""
    manifest = read_manifest(Path(folder))
    check_pages(manifest)
    load_source = _load_fec if source == "fec" else _load_files
    with returned_memory(), raw_connection(settings) as connection:
        return load_source(connection, manifest, run_id, is_demo)


def _load_fec(
    connection: psycopg.Connection, manifest: Manifest, run_id: str, is_demo: bool
) -> Ingested:
    with _recorded(connection, run_id, "fec", "ledger_lines") as record:
        with (
            alone_in_raw_files(connection),
            connection.transaction(),
            _named_as_delivered(manifest),
        ):
            notes = set_demo_aside(connection, run_id, is_demo)
            ledgers = load_ledgers(connection, manifest, run_id)
            check_read_once(connection)
        rows = sum(ledger.line_count for ledger in ledgers)
        for ledger in ledgers:
            notes.extend(f"{ledger.file_name}: {warning}" for warning in ledger.warnings)
            if not ledger.is_new:
                notes.append(f"{ledger.file_name}: already loaded, nothing changed")
        record(
            Outcome(
                status="loaded" if any(ledger.is_new for ledger in ledgers) else "unchanged",
                page_count=len(manifest.pages),
                row_count=rows,
                byte_count=manifest.byte_count,
                control_total={
                    "debit": str(sum(Decimal(ledger.total_debit) for ledger in ledgers)),
                    "credit": str(sum(Decimal(ledger.total_credit) for ledger in ledgers)),
                },
                watermark=max(ledger.last_entry_date for ledger in ledgers),
                notes=tuple(notes),
            )
        )
    return Ingested("fec", run_id, rows, 0)


def _load_files(
    connection: psycopg.Connection, manifest: Manifest, run_id: str, is_demo: bool
) -> Ingested:
    with _recorded(connection, run_id, "files", "delivery") as record:
        with (
            alone_in_raw_files(connection),
            connection.transaction(),
            _named_as_delivered(manifest),
        ):
            notes = set_demo_aside(connection, run_id, is_demo)
            streams = load_delivery(connection, manifest, run_id, is_demo=is_demo)
        rows = sum(stream.row_count for stream in streams)
        refused = sum(stream.refused_count for stream in streams)
        notes.extend(
            f"{stream.stream}: {stream.refused_count} of {stream.row_count} rows refused"
            for stream in streams
            if stream.refused_count
        )
        changed = any(stream.changed_count or stream.deleted_count for stream in streams)
        record(
            Outcome(
                status="loaded" if changed else "unchanged",
                page_count=len(manifest.pages),
                row_count=rows,
                refused_count=refused,
                byte_count=manifest.byte_count,
                control_total={stream.stream: str(stream.row_count) for stream in streams},
                notes=tuple(notes),
            )
        )
    return Ingested("files", run_id, rows, refused)


def set_demo_aside(connection: psycopg.Connection, run_id: str, is_demo: bool) -> list[str]:
    """Real books and the demo company never stand side by side in the marts."""
    if is_demo:
        if holds_real_books(connection):
            raise BadInput(
                "this home holds real books: the demo group cannot join them",
                mend="give the demo a home of its own, --home DIR",
            )
        return []
    if not retire_demo(connection, run_id):
        return []
    return ["the demo group was set aside: these are your own books now"]


def check_inputs(source: str, paths: Sequence[Path]) -> Checked:
    """The files of these inputs, if they are what they claim to be; BadInput otherwise."""
    if source == "fec":
        ledgers = [inspect_fec(path) for path in paths]
        check_file_set(ledgers)
        return Checked(tuple(ledger.path for ledger in ledgers))
    if len(paths) != 1:
        raise BadInput("one folder of flat files at a time", mend="give --files once")
    tables = inspect_directory(paths[0])
    warnings = [warning for table in tables for warning in table.warnings]
    return Checked(tuple(table.path for table in tables), (*unknown_files(paths[0]), *warnings))


def record_refusal(settings: Settings, source: str, run_id: str, error: BadInput) -> None:
    """An attempt that ended before it began is an attempt all the same."""
    with raw_connection(settings) as connection:
        start_run(connection, run_id)
        extraction_id = start_extraction(connection, run_id, source, STREAM)
        finish_extraction(connection, extraction_id, Outcome("refused", error=str(error)))
        finish_run(connection, run_id, "failed", error=str(error))


@contextmanager
def raw_connection(settings: Settings) -> Iterator[psycopg.Connection]:
    """A connection for writing what a source brought, with ledger and raw tables in place."""
    try:
        with connect(open_warehouse(settings).pipeline_url) as connection:
            claim(settings, connection)
            ensure_raw(connection)
            yield connection
    except psycopg.Error as error:
        raise database_failure(error) from error


@contextmanager
def _named_as_delivered(manifest: Manifest) -> Iterator[None]:
    """A message names the file that the person gave, not its copy in the landing zone."""
    try:
        yield
    except BadInput as error:
        for page in manifest.pages:
            for copy in (manifest.path_of(page), gathered_folder(manifest) / page.original_name):
                error.where = error.where.replace(str(copy), page.source_path)
        raise


@contextmanager
def _recorded(
    connection: psycopg.Connection, run_id: str, source: str, stream: str
) -> Iterator[Callable[[Outcome], None]]:
    """Every attempt leaves its row in ops.extraction, also the one that fails."""
    extraction_id = start_extraction(connection, run_id, source, stream)
    outcomes: list[Outcome] = []
    try:
        yield outcomes.append
    except BadInput as error:
        if not connection.closed:
            if isinstance(error, FecRefused):
                _keep_refused_lines(connection, run_id, source, stream, error)
            finish_extraction(connection, extraction_id, Outcome("refused", error=str(error)))
        raise
    except Exception as error:
        if not connection.closed:
            line = " ".join(str(error).split())
            finish_extraction(connection, extraction_id, Outcome("failed", error=line))
        raise
    finish_extraction(connection, extraction_id, outcomes[0])


def _keep_refused_lines(
    connection: psycopg.Connection, run_id: str, source: str, stream: str, error: FecRefused
) -> None:
    reject_rows(
        connection,
        run_id,
        source,
        [
            Rejection(
                stream=stream,
                file_name=Path(error.where.rpartition(", line ")[0]).name,
                line_no=line.line_no,
                column=line.column,
                reason=line.reason,
                value_excerpt=line.value_excerpt,
            )
            for line in error.refused
        ],
    )
