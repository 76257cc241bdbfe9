"""FEC files → raw_fec, one transaction per run.

A FEC restates a whole fiscal year: each delivery is a new snapshot of (entity, closing date), all
parts of a split file together, and the newest one known on a date stands for the year.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from encours.clients.fec import FecFile, inspect_fec, read_fec
from encours.clients.fec_columns import OUTPUT_COLUMNS
from encours.clients.fec_tally import FecSummary, FecTally
from encours.landing.store import Manifest, Page
from encours.loading.encoding import COLUMNS_COPY_OPTIONS, encode_columns
from encours.loading.prefetch import prefetched
from encours.loading.raw_tables import check_clock

# A file whose name carries no SIREN belongs to the one company of this home.
DEFAULT_ENTITY = "main"


@dataclass(frozen=True)
class LoadedLedger:
    """One FEC file as loaded, or recognised as already loaded (`is_new` False)."""

    entity_id: str
    closing_date: str
    file_name: str
    line_count: int
    total_debit: str
    total_credit: str
    last_entry_date: str
    warnings: tuple[str, ...]
    is_new: bool


def load_ledgers(
    connection: psycopg.Connection, manifest: Manifest, run_id: str
) -> tuple[LoadedLedger, ...]:
    """Load what is not loaded yet. BadInput from a line rolls everything back."""
    files = [(page, inspect_fec(manifest.path_of(page))) for page in manifest.pages]
    years: dict[tuple[str, str], list[tuple[Page, FecFile]]] = defaultdict(list)
    for page, fec in files:
        years[(fec.siren or DEFAULT_ENTITY, str(fec.closing_date))].append((page, fec))
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('encours.raw_fec'))")
        connection.execute("select set_config('encours.run_id', %s, true)", [run_id])
        # The newest delivery of a year stands for it: after the clock went back, the old one would.
        check_clock(connection, sql.Identifier("raw_fec", "ledger_files"))
        loaded: list[LoadedLedger] = []
        for (entity_id, _), parts in years.items():
            known = _known_year(connection, entity_id, parts)
            loaded.extend(known or [_load(connection, entity_id, *part) for part in parts])
        if any(ledger.is_new for ledger in loaded):
            # Autovacuum gathers statistics a minute later; the models read them now.
            connection.execute("analyze raw_fec.ledger_lines, raw_fec.ledger_files")
    return tuple(loaded)


def _known_year(
    connection: psycopg.Connection, entity_id: str, parts: Sequence[tuple[Page, FecFile]]
) -> list[LoadedLedger] | None:
    """The year as it stands, if its last delivery had exactly these bytes."""
    rows = connection.execute(
        "select payload from raw_fec.ledger_files where entity_id = %(entity)s"
        " and payload ->> 'named_closing_date' is not distinct from %(closing)s"
        " and extracted_at = (select max(extracted_at) from raw_fec.ledger_files"
        "   where entity_id = %(entity)s"
        "   and payload ->> 'named_closing_date' is not distinct from %(closing)s)",
        {"entity": entity_id, "closing": _iso(parts[0][1])},
    ).fetchall()
    known = {row[0]["sha256"]: row[0] for row in rows}
    if not known or set(known) != {page.sha256 for page, _ in parts}:
        return None
    return [replace(_describe(entity_id, known[page.sha256]), is_new=False) for page, _ in parts]


def _load(connection: psycopg.Connection, entity_id: str, page: Page, fec: FecFile) -> LoadedLedger:
    row = connection.execute(
        "select nextval(pg_get_serial_sequence('raw_fec.ledger_files', 'snapshot_id'))"
    ).fetchone()
    assert row is not None
    connection.execute("select set_config('encours.snapshot_id', %s, true)", [str(row[0])])
    tally = FecTally()
    _copy_lines(connection, fec, tally)
    payload = _payload(page, fec, tally.summary())
    connection.execute(
        "insert into raw_fec.ledger_files"
        " (snapshot_id, record_key, entity_id, payload, payload_hash)"
        " overriding system value values (%s, %s, %s, %s, %s)",
        [
            row[0],
            f"{entity_id}|{payload['closing_date']}|{payload['part']}",
            entity_id,
            json.dumps(payload),
            page.sha256,
        ],
    )
    return _describe(entity_id, payload)


def _copy_lines(connection: psycopg.Connection, fec: FecFile, tally: FecTally) -> None:
    statement = sql.SQL("copy raw_fec.ledger_lines ({}) from stdin " + COLUMNS_COPY_OPTIONS).format(
        sql.SQL(", ").join(map(sql.Identifier, OUTPUT_COLUMNS))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        blocks = (encode_columns(table, OUTPUT_COLUMNS) for table in read_fec(fec, tally))
        for block in prefetched(blocks):
            copy.write(block)


def _payload(page: Page, fec: FecFile, summary: FecSummary) -> dict[str, Any]:
    last_entry_date = _date_text(summary.last_entry_date)
    return {
        "siren": fec.siren,
        "named_closing_date": _iso(fec),
        # Without a date in its name, a file closes with its last entry.
        "closing_date": _iso(fec) or last_entry_date,
        "part": fec.part or 1,
        "file_name": page.original_name,
        "sha256": page.sha256,
        "line_count": summary.line_count,
        "first_entry_date": _date_text(summary.first_entry_date),
        "last_entry_date": last_entry_date,
        "total_debit": str(summary.total_debit),
        "total_credit": str(summary.total_credit),
        "warnings": [f"{warning.code}: {warning.message}" for warning in summary.warnings],
    }


def _describe(entity_id: str, payload: dict[str, Any]) -> LoadedLedger:
    return LoadedLedger(
        entity_id=entity_id,
        closing_date=payload["closing_date"],
        file_name=payload["file_name"],
        line_count=payload["line_count"],
        total_debit=payload["total_debit"],
        total_credit=payload["total_credit"],
        last_entry_date=payload["last_entry_date"],
        warnings=tuple(payload["warnings"]),
        is_new=True,
    )


def _iso(fec: FecFile) -> str | None:
    return _date_text(fec.closing_date)


def _date_text(value: Any) -> str | None:
    return value.isoformat() if value is not None else None
