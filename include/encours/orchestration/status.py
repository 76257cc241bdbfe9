"""What `encours status` says: runs, publication, what is held and why, freshness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.rows import dict_row

from encours.loading.raw_schema import ensure_raw
from encours.orchestration import alerting
from encours.quality.results import CheckResult
from encours.settings import Settings
from encours.warehouse import incidents, ledger, publication
from encours.warehouse.connections import connect, open_warehouse

SHOWN_RUNS = 5
SHOWN_PUBLICATIONS = 20
SHOWN_REJECTED_ROWS = 20
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
PUBLICATIONS = """
select publication_id, run_id, action, as_of_date, known_on, published_at, published_by, reason
from ops.publication order by publication_row desc limit %s
"""
# The candidate of a run that was rebuilt, or is, has no results yet.
LAST_JUDGED = """
select run.run_id
from ops.run as run
where exists (select 1 from ops.verdict as verdict where verdict.run_id = run.run_id)
order by run.started_at desc limit 1
"""
REJECTED = """
select stream, file_name, line_no, column_name, reason, count(*) over () as rejected_count
from ops.rejected_row where run_id = %(run)s order by 1, 2, 3 limit %(shown)s
"""
# What a build of the scheduler leaves out may have been refused by the run that read it.
REJECTED_OF_CANDIDATE = """
select rejected.*, count(*) over () as rejected_count
from (
    select stream, file_name, line_no, column_name, reason from ops.rejected_row
    where run_id = %(run)s
    union
    select stream, file_name, line_no, column_name, reason from intermediate.int_refused_rows
    where found_by = 'load'
) as rejected
order by 1, 2, 3 limit %(shown)s
"""
HAS_REFUSED_ROWS = "select to_regclass('intermediate.int_refused_rows') is not null as is_there"
TIME_ZONES = "select distinct time_zone from marts.dim_entity where time_zone is not null"
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
        waiting = _waiting_run(connection)
        return {
            "publication": current,
            "publications": _rows(connection, PUBLICATIONS, [SHOWN_PUBLICATIONS]),
            "earlier": _earlier(connection),
            "held": _judged(connection, waiting, is_waiting=True) if waiting else None,
            "runs": _rows(connection, RUNS, [SHOWN_RUNS]),
            "extractions": _rows(connection, EXTRACTIONS),
            "freshness": _rows(connection, COVERAGE) if current else [],
            "time_zone": _time_zone(connection) if current else None,
            "incidents": [asdict(one) for one in incidents.open_incidents(connection)],
            "channels": alerting.read_standing(settings, connection),
        }


def read_judged_run(settings: Settings, run_id: str | None = None) -> dict[str, Any] | None:
    """What the gate found in one run, in the last that it judged without a name; None if there is
    none. `is_waiting`: its candidate is still there to be released."""
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ledger.ensure_ledger(connection)
        if run_id is None:
            last = _rows(connection, LAST_JUDGED)
            run_id = last[0]["run_id"] if last else None
        run = ledger.read_run(connection, run_id) if run_id else None
        if run is None or run_id is None:
            return None
        is_waiting = run_id == _waiting_run(connection)
        return {
            **run,
            **_judged(connection, run_id, is_waiting=is_waiting),
            "is_waiting": is_waiting,
        }


def _waiting_run(connection: psycopg.Connection) -> str | None:
    """The run that the gate holds, as long as its candidate is there to be released."""
    waiting = _rows(connection, HELD, [publication.CANDIDATE])
    return str(waiting[0]["run_id"]) if waiting else None


def _judged(connection: psycopg.Connection, run_id: str, *, is_waiting: bool) -> dict[str, Any]:
    """`checks` hold a publication, `warnings` are for a person to look at. `expected` of a check:
    the least and the greatest value allowed; None where no row at all may be found."""
    verdict = ledger.read_verdict(connection, run_id)
    results = [_told(check) for check in ledger.read_check_results(connection, run_id)]
    rejected = _rejected_rows(connection, run_id, is_waiting=is_waiting)
    return {
        "run_id": run_id,
        "reasons": list(verdict["reasons"]) if verdict else [],
        "checks": [
            check
            for check in results
            if check["state"] == "not_checked"
            or (check["state"] == "failed" and check["severity"] == "critical")
        ],
        "warnings": [
            check
            for check in results
            if check["state"] == "failed" and check["severity"] == "warning"
        ],
        "rejected_count": rejected[0]["rejected_count"] if rejected else 0,
        "rejected_rows": [
            {name: value for name, value in row.items() if name != "rejected_count"}
            for row in rejected
        ],
    }


def _told(check: CheckResult) -> dict[str, Any]:
    limits = (check.at_least, check.at_most)
    return {**asdict(check), "expected": None if limits == (None, None) else limits}


def _rejected_rows(
    connection: psycopg.Connection, run_id: str, *, is_waiting: bool
) -> list[dict[str, Any]]:
    of_candidate = is_waiting and _rows(connection, HAS_REFUSED_ROWS)[0]["is_there"]
    query = REJECTED_OF_CANDIDATE if of_candidate else REJECTED
    return _rows(connection, query, {"run": run_id, "shown": SHOWN_REJECTED_ROWS})


def _earlier(connection: psycopg.Connection) -> dict[str, Any] | None:
    """What a rollback would put back."""
    earlier = publication.read_earlier(connection)
    return asdict(earlier) if earlier else None


def _time_zone(connection: psycopg.Connection) -> str | None:
    """That of the entities, where they agree."""
    zones = _rows(connection, TIME_ZONES)
    return str(zones[0]["time_zone"]) if len(zones) == 1 else None


def _rows(
    connection: psycopg.Connection,
    query: str,
    parameters: list[Any] | dict[str, Any] | None = None,
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
