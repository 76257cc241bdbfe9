"""What `encours status` says: runs, publication, what is held and why, freshness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.rows import dict_row

from encours.loading.raw_schema import ensure_raw
from encours.orchestration import alerting
from encours.settings import Settings
from encours.warehouse import incidents, ledger, publication
from encours.warehouse.connections import connect, open_warehouse

SHOWN_RUNS = 5
RUNS = """
select run_id, status, as_of_date, known_on, carried_to, started_at, finished_at, publication_id,
    error
from ops.run order by started_at desc limit %s
"""
EXTRACTIONS = """
select distinct on (source, entity_id, stream) source, entity_id, stream, status, finished_at,
    page_count, row_count, refused_count, watermark, error
from ops.extraction order by source, entity_id, stream, extraction_id desc
"""
HELD = """
select run.run_id
from ops.run as run
inner join pg_namespace as candidate
    on obj_description(candidate.oid, 'pg_namespace') = run.run_id
where candidate.nspname = %s and run.status = 'held'
"""
COVERAGE = """
select entity_id, source, stream, first_business_date, last_business_date, last_extracted_at,
    row_count, is_stale
from marts.data_coverage order by entity_id, source, stream
"""


def read_status(settings: Settings) -> dict[str, Any]:
    """Plain values, ready for JSON: publication, held, runs, extractions, freshness."""
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ledger.ensure_ledger(connection)
        ensure_raw(connection)
        current = ledger.read_current(connection)
        runs = _rows(connection, RUNS, [SHOWN_RUNS])
        return {
            "publication": current,
            "held": _held(connection),
            "runs": runs,
            "extractions": _rows(connection, EXTRACTIONS),
            "freshness": _rows(connection, COVERAGE) if current else [],
            "incidents": [asdict(one) for one in incidents.open_incidents(connection)],
            "channels": alerting.read_standing(settings, connection),
        }


def _held(connection: psycopg.Connection) -> dict[str, Any] | None:
    """The run that the gate holds, as long as its candidate is there to be released."""
    waiting = _rows(connection, HELD, [publication.CANDIDATE])
    if not waiting:
        return None
    run_id = waiting[0]["run_id"]
    verdict = ledger.read_verdict(connection, run_id)
    checks = [
        check
        for check in ledger.read_check_results(connection, run_id)
        if check["state"] == "not_checked"
        or (check["state"] == "failed" and check["severity"] == "critical")
    ]
    rejected = _rows(
        connection,
        "select stream, file_name, line_no, column_name, reason from ops.rejected_row"
        " where run_id = %s order by 1, 2, 3 limit 20",
        [run_id],
    )
    return {
        "run_id": run_id,
        "reasons": list(verdict["reasons"]) if verdict else [],
        "checks": checks,
        "rejected_rows": rejected,
    }


def _rows(
    connection: psycopg.Connection, query: str, parameters: list[Any] | None = None
) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def render_status(status: dict[str, Any]) -> str:
    """The same for a person."""
    return "\n".join(
        [
            *_publication_lines(status["publication"]),
            *_held_lines(status["held"]),
            "",
            "runs",
            *(_run_line(run) for run in status["runs"]),
            "",
            "freshness",
            *(_freshness_line(row) for row in status["freshness"]),
            "",
            *alert_lines(status["incidents"], status["channels"]),
        ]
    )


def _publication_lines(current: dict[str, Any] | None) -> list[str]:
    if current is None:
        return ["published   nothing yet: encours run --fec FILE, or make demo"]
    lines = [
        f"published   {current['publication_id']} as of {current['as_of_date']},"
        f" {current['action']} at {current['published_at']:%Y-%m-%d %H:%M %Z}"
        f" by {current['published_by']}"
    ]
    if current["reason"]:
        lines.append(f"            because: {current['reason']}")
    return lines


def _held_lines(held: dict[str, Any] | None) -> list[str]:
    if held is None:
        return ["held        nothing"]
    lines = [f"held        run {held['run_id']}"]
    lines.extend(f"            - {reason}" for reason in held["reasons"])
    lines.extend(
        f"            {row['file_name']}, line {row['line_no']}, {row['column_name']}:"
        f" {row['reason']}"
        for row in held["rejected_rows"]
    )
    lines.append(f"            release: encours release {held['run_id']} --reason TEXT")
    return lines


def _run_line(run: dict[str, Any]) -> str:
    what = run["publication_id"] or run["error"] or ""
    as_of = run["as_of_date"] or ""
    return f"  {run['run_id']}  {run['status']:<10} {as_of!s:<10}  {what}"


def _freshness_line(row: dict[str, Any]) -> str:
    until = row["last_business_date"] or "-"
    stale = "  stale" if row["is_stale"] else ""
    return (
        f"  {row['entity_id']:<14} {row['source']:<8} {row['stream']:<18}"
        f" until {until!s:<10}  {row['row_count']:>10,} rows{stale}"
    )


def alert_lines(
    found: Sequence[Mapping[str, Any]], channels: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What is wrong now, and which channels people are told on."""
    failures = [one for one in found if one["kind"] != "business"]
    lines = ["incidents"]
    lines.extend(
        f"  {one['kind']:<10} since {one['opened_at']:%Y-%m-%d %H:%M %Z}, {one['seen_count']}"
        f"×: {one['cause']}"
        for one in failures
    )
    if not failures:
        lines.append("  none")
    if len(found) > len(failures):
        lines.append(f"  {len(found) - len(failures)} business alerts: select * from mart_alerts")
    lines.append("channels")
    lines.extend(_channel_line(one) for one in channels)
    if not channels:
        lines.append("  none: nobody is told (see README.md, Who is told)")
    return lines


def _channel_line(channel: Mapping[str, Any]) -> str:
    line = f"  {channel['channel']:<14}"
    if channel["last_delivered_at"]:
        line += f" last delivered {channel['last_delivered_at']:%Y-%m-%d %H:%M %Z}"
    elif not channel["error"]:
        line += " nothing sent yet"
    if channel["error"]:
        line += f" BROKEN, {channel['undelivered_count']} undelivered: {channel['error']}"
    return line
