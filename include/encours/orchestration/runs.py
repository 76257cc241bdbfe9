"""One `encours run`: which DAGs with which conf, and the report of what came of it."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any

from encours.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_HELD,
    BadInput,
    EncoursError,
)
from encours.orchestration import accesses, announcement, inbox_files, ingest
from encours.orchestration.choices import read_chosen
from encours.orchestration.failures import Failure, read_failure, told
from encours.orchestration.run_ids import new_run_id
from encours.quality.results import CheckResult
from encours.settings import DEFAULT_HOME, Settings
from encours.sources.registry import API_SOURCES, FILE_SOURCES, SOURCES
from encours.warehouse import ledger, ownership
from encours.warehouse.connections import connect, open_warehouse


@dataclass(frozen=True)
class Order:
    """What the person asked for. Without an input, what waits in the inbox is ingested."""

    fec: tuple[Path, ...] = ()
    files: Path | None = None
    sources: tuple[str, ...] = ()
    as_of_date: date | None = None
    known_on: datetime | None = None
    is_full: bool = False
    is_demo: bool = False
    # In place of those that are configured: ids by source.
    connections: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True)
class Report:
    """What came of a run; `to_json` has the keys of the contract."""

    status: str
    run_id: str
    publication_id: str | None = None
    as_of_date: date | None = None
    known_on: datetime | None = None
    carried_to: date | None = None
    checks: Mapping[str, int] = field(default_factory=dict)
    held_because: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    exit_status: int = EXIT_DONE

    def to_json(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "run_id": self.run_id,
            "publication_id": self.publication_id,
            "as_of_date": self.as_of_date.isoformat() if self.as_of_date else None,
            "known_on": self.known_on.isoformat() if self.known_on else None,
            "carried_to": self.carried_to.isoformat() if self.carried_to else None,
            "checks": {
                name: self.checks.get(name, 0)
                for name in ("passed", "warned", "failed", "not_checked")
            },
            "held_because": list(self.held_because),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "seconds": dict(self.seconds),
            "rows": dict(self.rows),
            "error": self.error,
        }


def run(settings: Settings, order: Order, progress: Any) -> Report:
    """Run the DAGs in this process. Never raises what belongs in the report."""
    started = monotonic()
    run_id = new_run_id()
    log_path = settings.runs_dir / run_id / "run.log"
    try:
        ownership.claim_warehouse(settings)
        confs = list(_confs(settings, order, run_id))
        # Imported here: bad arguments are told before Airflow is loaded.
        from encours.orchestration.in_process import run_dags

        run_dags(settings, confs, log_path, progress)
        report = _report(settings, run_id, monotonic() - started, log_path)
        if report.publication_id and report.as_of_date:
            announcement.announce(settings, report.publication_id, report.as_of_date)
        return report
    except EncoursError as error:
        return Report("failed", run_id, error=str(error), exit_status=error.exit_status)
    except Exception as error:  # noqa: BLE001 (the last door before a person: one line, not a trace)
        with suppress(OSError):
            _log_details(log_path)
        known = told(error)
        if isinstance(known, EncoursError):
            return Report("failed", run_id, error=str(known), exit_status=known.exit_status)
        line = " ".join(str(error).split())[:200] or type(error).__name__
        return Report(
            "failed",
            run_id,
            error=f"unexpected {type(error).__name__}: {line} (details in {log_path})",
            exit_status=EXIT_FAILED,
        )


def _log_details(log_path: Path) -> None:
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with open(log_path, "a") as log:
        traceback.print_exc(file=log)


def _confs(
    settings: Settings, order: Order, run_id: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    # A wrong choice is told before anything is loaded.
    read_chosen(settings)
    for source, inputs, from_inbox in _inputs(settings, order):
        _check_early(settings, source, run_id, inputs)
        yield (
            f"ingest_{source}",
            {
                "run_id": run_id,
                # Of the inbox the entry itself, not what a link leads to: it will be put away.
                "inputs": [str(path if from_inbox else path.resolve()) for path in inputs],
                "is_demo": order.is_demo,
                "from_inbox": from_inbox,
            },
        )
    for source, connections in _connections(settings, order):
        yield (
            f"ingest_{source}",
            {
                "run_id": run_id,
                "connections": list(connections),
                # Another demo company has other books, and nobody says what changed between them.
                "is_full": order.is_full or order.is_demo,
                "is_demo": order.is_demo,
            },
        )
    yield (
        "build_receivables",
        {
            "run_id": run_id,
            "as_of_date": order.as_of_date.isoformat() if order.as_of_date else None,
            "known_on": order.known_on.isoformat() if order.known_on else None,
            "is_full": order.is_full,
        },
    )


def _inputs(settings: Settings, order: Order) -> Iterator[tuple[str, list[Path], bool]]:
    unknown = [source for source in order.sources if source not in SOURCES]
    if unknown:
        raise BadInput(f"unknown source '{unknown[0]}'", mend=f"one of {', '.join(SOURCES)}")
    if order.fec:
        yield "fec", list(order.fec), False
    if order.files:
        yield "files", [order.files], False
    if order.fec or order.files:
        return
    for source in order.sources or FILE_SOURCES:
        if source in FILE_SOURCES and (waiting := inbox_files.waiting_inputs(settings, source)):
            yield source, waiting, True


def _connections(settings: Settings, order: Order) -> Iterator[tuple[str, Sequence[str]]]:
    """The API sources to read, with their connections: those named, else all that have any."""
    if order.connections is not None:
        yield from order.connections.items()
        return
    if (order.fec or order.files) and not order.sources:
        return
    configured = accesses.configured(settings)
    for source in order.sources or configured:
        if source not in API_SOURCES:
            continue
        if source not in configured:
            raise BadInput(f"{source} is not connected", mend=f"encours connect {source}")
        yield source, configured[source]


def _check_early(settings: Settings, source: str, run_id: str, inputs: list[Path]) -> None:
    """Tell at once what is wrong with an input, and leave the attempt in ops.extraction."""
    try:
        ingest.check_inputs(source, inputs)
    except BadInput as error:
        ingest.record_refusal(settings, source, run_id, error)
        raise


def _report(settings: Settings, run_id: str, seconds: float, log_path: Path) -> Report:
    with connect(open_warehouse(settings).pipeline_url) as connection:
        ledger.ensure_ledger(connection)
        row = ledger.read_run(connection, run_id)
        verdict = ledger.read_verdict(connection, run_id)
        results = ledger.read_check_results(connection, run_id)
        extractions = ledger.read_extractions(connection, run_id)
        status = row["status"] if row else "failed"
        failure = read_failure(settings, run_id)
        if status not in ("published", "held"):
            failure = failure or Failure("Unknown", f"the run stopped: see {log_path}", EXIT_FAILED)
            ledger.start_run(connection, run_id)
            ledger.finish_run(connection, run_id, "failed", error=failure.message)
    exit_status = {"published": EXIT_DONE, "held": EXIT_HELD}.get(status, EXIT_FAILED)
    error = None
    if exit_status == EXIT_FAILED and failure:
        status, error, exit_status = "failed", failure.message, failure.exit_status
    return Report(
        status=status,
        run_id=run_id,
        publication_id=row["publication_id"] if row else None,
        as_of_date=row["as_of_date"] if row else None,
        known_on=row["known_on"] if row else None,
        carried_to=row["carried_to"] if row else None,
        checks={name: verdict[name] for name in ("passed", "warned", "failed", "not_checked")}
        if verdict
        else {},
        held_because=tuple(verdict["reasons"]) if verdict and status == "held" else (),
        warnings=tuple(_warnings(results)),
        notes=tuple(note for extraction in extractions for note in extraction["notes"] or ()),
        seconds={**(row["seconds"] if row else {}), "total": round(seconds, 3)},
        rows=row["row_counts"] if row else {},
        error=error,
        exit_status=exit_status,
    )


def _warnings(results: list[CheckResult]) -> Iterator[str]:
    for result in results:
        if result.state == "failed" and result.severity == "warning":
            seen = result.details or result.observed_value
            yield f"{result.table_name}.{result.check_name}: {seen}"


# ------------------------------------------------------------------------------ for a person


def render(report: Report) -> str:
    """The summary of a run, a few lines."""
    lines = [
        *(f"note      {note}" for note in report.notes),
        *(f"warning   {warning}" for warning in report.warnings),
    ]
    if report.carried_to:
        lines.append(
            f"carried   month ends up to {report.carried_to}, which nothing has changed"
            " (--full works them out as well)"
        )
    if report.status == "published":
        lines.append(
            f"published {report.publication_id}, as of {report.as_of_date}, "
            f"{report.checks.get('passed', 0)} checks passed, "
            f"{report.checks.get('warned', 0)} warnings, {report.seconds.get('total', 0):.0f} s"
        )
    elif report.status == "held":
        lines.append(f"held      run {report.run_id}: the published marts are untouched, because")
        lines.extend(f"  - {reason}" for reason in report.held_because)
        lines.append(f'release it with: encours release {report.run_id} --reason "…"')
    return "\n".join(lines)


HEADLINES = """
with aged as (
    select bucket, min(bucket_order) as bucket_order, sum(open_company_amount) as amount
    from mart_aged_balance
    where as_of_date = (select as_of_date from publication_info)
    group by bucket
)
select bucket, amount from aged order by bucket_order, bucket
"""
HEADLINE_DSO = """
select dso_countback, dso_status, dso_best_possible, outstanding_company_amount,
    company_currency_code
from mart_dso
where scope_type = 'group' and as_of_date = (select as_of_date from publication_info)
"""


def render_headlines(settings: Settings, report: Report) -> str:
    """What a newcomer wants to see first: the aged balance, the DSO, and how to connect."""
    reader_url = open_warehouse(settings).reader_url
    with connect(reader_url, application_name="encours headlines") as connection:
        buckets = connection.execute(HEADLINES).fetchall()
        dso = connection.execute(HEADLINE_DSO).fetchone()
    total = sum((amount for _, amount in buckets), Decimal(0))

    def command(name: str) -> str:
        is_default = settings.home == Path(DEFAULT_HOME).resolve()
        home = "" if is_default else f" --home {settings.home}"
        return f".venv/bin/encours {name}{home}"

    lines = ["", f"Aged balance as of {report.as_of_date}"]
    lines.extend(f"  {bucket:<18}{amount:>18,.2f}" for bucket, amount in buckets)
    lines.append(f"  {'total':<18}{total:>18,.2f}")
    if dso:
        lines.append(f"DSO by count-back {dso[0]} days ({dso[1]}), best possible {dso[2]} days")
    lines.extend(
        [
            "",
            f"publication {report.publication_id}, {report.checks.get('passed', 0)} checks passed,"
            f" {report.checks.get('warned', 0)} warnings, {report.seconds.get('total', 0):.0f} s",
            "",
            f'Query it     {command("sql")} "select * from mart_aged_balance limit 10"',
            f"Connect BI   {command('url')}    (PostgreSQL, role bi_reader, schema marts)",
            f"Your books   {command('run')} --fec YOUR_FEC.txt",
            f"Stop         {command('stop')}",
        ]
    )
    return "\n".join(lines)
