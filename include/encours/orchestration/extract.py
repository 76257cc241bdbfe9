"""Extraction steps: what an API tells of one company is landed unchanged, then loaded into raw.

Each step is one task of an ingest DAG: safe to repeat, in and out are ids and small summaries. All
streams of a company are read by one client and loaded in one transaction, so that raw never holds
the payments of a day whose invoices it does not know.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import psycopg

from encours.allocator import returned_memory
from encours.clients.api import Access, Client, Record, Window, WindowTooOld
from encours.clients.ledger_periods import Period
from encours.errors import FatalError
from encours.landing.responses import (
    LandedResponses,
    ResponseLanding,
    land_responses,
    read_responses,
)
from encours.loading.raw_tables import LoadedStream, alone_in_raw
from encours.loading.read_once import check_read_once
from encours.loading.records import (
    Incomplete,
    LastReading,
    check_company,
    last_readings,
    load_responses,
)
from encours.orchestration import ingest
from encours.orchestration.ingest import Ingested, raw_connection, set_demo_aside
from encours.orchestration.turns import alone_with
from encours.settings import Settings
from encours.sources.source import ApiSource, ApiStream, LedgerExport
from encours.warehouse.ledger import (
    Outcome,
    finish_extraction,
    landed_extractions,
    note_progress,
    start_extraction,
)

log = logging.getLogger(__name__)
PROGRESS_SECONDS = 2.0
# The source that FEC files belong to, whoever brings them.
LEDGERS = "fec"


@dataclass(frozen=True)
class Reading:
    """What to read: one company of a source, what changed of it or everything."""

    run_id: str
    source: ApiSource
    access: Access
    is_full: bool = False


def land_company(settings: Settings, reading: Reading) -> str:
    """Read all streams of one company into the landing zone, alone. Returns the landed folder."""
    with (
        raw_connection(settings) as connection,
        alone_with(connection, reading.access.connection_id),
    ):
        exports = reading.source.ledger_export
        if exports is not None and (periods := exports.periods(reading.access)):
            return _land_ledgers(settings, connection, reading, exports, periods)
        try:
            return _land(settings, connection, reading)
        except WindowTooOld as error:
            log.info("%s: %s: everything is read again", reading.access.connection_id, error)
            return _land(settings, connection, replace(reading, is_full=True))


def _land(settings: Settings, connection: psycopg.Connection, reading: Reading) -> str:
    source, access = reading.source, reading.access
    with closing(source.open_client(access)) as client:
        company_id = client.company_id()
        # Before thousands of pages are read, not after.
        check_company(connection, source.key, access.entity_id, company_id)
        last = last_readings(connection, source.key, access.entity_id)
        with land_responses(
            settings, source.key, access.entity_id, reading.run_id, company_id
        ) as landing:
            for stream in source.streams:
                window = Window() if reading.is_full else _window(source, stream, last)
                _read_stream(connection, reading, client, landing, stream.name, window)
            _check_still(source, access, company_id)
    return str(landing.folder)


def _land_ledgers(
    settings: Settings,
    connection: psycopg.Connection,
    reading: Reading,
    exports: LedgerExport,
    periods: Sequence[Period],
) -> str:
    """The FEC of each period, landed as if a person had delivered it."""
    source, access = reading.source, reading.access
    extraction_id = start_extraction(
        connection, reading.run_id, source.key, "ledger_export", access.entity_id
    )
    with TemporaryDirectory() as folder:
        try:
            with closing(source.open_client(access)) as client:
                files = [exports.export(client, period, Path(folder)) for period in periods]
        except Exception as error:
            line = " ".join(str(error).split())
            with suppress(psycopg.Error):
                finish_extraction(connection, extraction_id, Outcome("failed", error=line))
            raise
        size = sum(file.stat().st_size for file in files)
        finish_extraction(
            connection, extraction_id, Outcome("loaded", page_count=len(files), byte_count=size)
        )
        paths = [str(file) for file in files]
        return ingest.land(settings, LEDGERS, reading.run_id, paths, stream=access.connection_id)


def _check_still(source: ApiSource, access: Access, company_id: str) -> None:
    """FatalError where the connection was switched to another company while it was read: what was
    read of the first would be missing from the second, and count as deleted."""
    with closing(source.open_client(access)) as client:
        now = client.company_id()
    if now != company_id:
        raise FatalError(
            f"{access.connection_id}: it opened company {company_id} when the reading began, and"
            f" {now} when it ended: nothing was loaded"
        )


def _window(source: ApiSource, stream: ApiStream, last: Mapping[str, LastReading]) -> Window:
    """From the last reading on, less the overlap; everything where there is none."""
    reading = last.get(stream.name)
    if reading is None or reading.watermark is None or not stream.is_incremental:
        return Window()
    return Window(reading.watermark - source.overlap)


def _read_stream(
    connection: psycopg.Connection,
    reading: Reading,
    client: Client,
    landing: ResponseLanding,
    stream: str,
    window: Window,
) -> None:
    source, access = reading.source, reading.access
    extraction_id = start_extraction(
        connection, reading.run_id, source.key, stream, access.entity_id
    )
    landed = landing.stream(stream, window)
    so_far = Outcome("running")
    told = monotonic()
    try:
        for exchange in client.read(stream, window):
            record_count = _count(source.read_records(stream, exchange))
            landed.add(exchange, record_count)
            so_far = replace(
                so_far,
                page_count=so_far.page_count + 1,
                row_count=so_far.row_count + record_count,
                byte_count=so_far.byte_count + len(exchange.body),
            )
            if monotonic() - told > PROGRESS_SECONDS:
                told = monotonic()
                note_progress(connection, extraction_id, so_far)
                _tell(reading, stream, so_far, "so far")
    except Exception as error:
        line = " ".join(str(error).split())
        # The error itself is what the caller must see, also where the database went away with it.
        with suppress(psycopg.Error):
            finish_extraction(
                connection, extraction_id, replace(so_far, status="failed", error=line)
            )
        raise
    _tell(reading, stream, so_far, "in all")
    finish_extraction(connection, extraction_id, replace(so_far, status="landed"))


def _count(records: Iterable[Record]) -> int:
    return sum(1 for _ in records)


def _tell(reading: Reading, stream: str, so_far: Outcome, when: str) -> None:
    log.info(
        "%s %s: %d pages, %d rows %s",
        reading.access.connection_id,
        stream,
        so_far.page_count,
        so_far.row_count,
        when,
    )


def load_company(
    settings: Settings, source: ApiSource, run_id: str, folder: str, *, is_demo: bool = False
) -> Ingested:
    """Load what one company landed, in one transaction."""
    if settings.landing_dir / LEDGERS in Path(folder).parents:
        return ingest.load(settings, LEDGERS, run_id, folder, is_demo=is_demo)
    manifest = read_responses(Path(folder))
    with returned_memory(), raw_connection(settings) as connection:
        attempts = landed_extractions(connection, run_id, source.key, manifest.entity_id)
        try:
            with alone_in_raw(connection, source.key), connection.transaction():
                notes = set_demo_aside(connection, run_id, is_demo)
                loaded = load_responses(connection, source, manifest, run_id, is_demo=is_demo)
                if source.ledger_export is not None:
                    check_read_once(connection)
        except Exception as error:
            if not connection.closed:
                status = "incomplete" if isinstance(error, Incomplete) else "failed"
                line = " ".join(str(error).split())
                for extraction_id in attempts.values():
                    finish_extraction(connection, extraction_id, Outcome(status, error=line))
            raise
        landed = {stream.name: stream for stream in manifest.streams}
        for stream in loaded:
            finish_extraction(
                connection, attempts[stream.stream], _outcome(stream, landed[stream.stream], notes)
            )
    return Ingested(source.key, run_id, sum(stream.row_count for stream in loaded), 0)


def _outcome(stream: LoadedStream, landed: LandedResponses, notes: Sequence[str]) -> Outcome:
    totals = {"landed": landed.record_count, "stated": landed.stated_total}
    return Outcome(
        status="loaded" if stream.changed_count or stream.deleted_count else "unchanged",
        page_count=landed.exchange_count,
        row_count=stream.row_count,
        byte_count=stream.byte_count,
        control_total={
            **{name: str(total) for name, total in totals.items() if total is not None},
            "is_full": str(landed.is_full).lower(),
        },
        watermark=stream.watermark.isoformat() if stream.watermark else None,
        notes=tuple(notes),
    )
