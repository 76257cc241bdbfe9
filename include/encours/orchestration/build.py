"""Build steps: date the run, build the candidate layer by layer, audit it, decide, publish.

Each step is one task of the DAG build_receivables. A step that writes holds the build lock and
checks that the candidate is still its own, so two builds cannot mix.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from psycopg import sql

from encours.errors import BadInput, FatalError, QualityHold, RetryableError
from encours.loading.arrivals import is_api_read, last_extraction, unread_sources
from encours.loading.demo_books import holds_real_books
from encours.loading.raw_schema import ensure_raw
from encours.loading.raw_tables import rows_known_on
from encours.orchestration import alerting
from encours.orchestration.choices import read_chosen, write_chosen
from encours.orchestration.failures import told
from encours.quality.checkpoint import import_library, run_suites
from encours.quality.model_tests import expected_tests
from encours.quality.results import CheckResult
from encours.quality.suites import expected_checks, load_suites
from encours.quality.verdict import decide
from encours.settings import DEFAULT_TIME_ZONE, Settings, project_root
from encours.transform import dbt
from encours.warehouse import carrying, ledger, ownership, publication, work_schemas
from encours.warehouse.connections import Warehouse, connect, open_warehouse

log = logging.getLogger(__name__)
CHECK_TIMEOUT_SECONDS = 600


@dataclass(frozen=True)
class Request:
    """What a caller may ask of a build; None means the default of the contract.

    A full build works out every month end itself and takes none over from the last publication.
    """

    run_id: str
    as_of_date: date | None = None
    known_on: datetime | None = None
    is_full: bool = False


def open_build(settings: Settings, request: Request) -> dbt.Build:
    """Date the run and make an empty candidate. BadInput when nothing is loaded yet."""
    with _step(settings, request.run_id, "open_build") as (connection, _):
        chosen = read_chosen(settings)
        known_on = request.known_on or last_extraction(connection)
        if known_on is None:
            raise BadInput(
                "nothing is loaded yet", mend="encours run --fec FILE, or --files DIR, or make demo"
            )
        as_of_date = request.as_of_date or default_as_of_date(
            connection, known_on, datetime.now(UTC)
        )
        models_hash = dbt.models_hash()
        ledger.date_run(
            connection,
            request.run_id,
            as_of_date,
            known_on,
            models_hash,
            is_demo=not holds_real_books(connection),
        )
        write_chosen(connection, chosen)
        ledger.withdraw_verdicts(connection, request.run_id)
        publication.prepare_candidate(
            connection, request.run_id, None if request.is_full else models_hash
        )
    return dbt.Build(request.run_id, as_of_date, known_on)


def build_layer(settings: Settings, build: dbt.Build, layer: str) -> dict[str, int]:
    """Build one layer of models. Returns rows by table for what BI will read."""
    with _step(settings, build.run_id, f"build_{layer}") as (connection, warehouse):
        _check_candidate(connection, build.run_id)
        ledger.withdraw_verdicts(connection, build.run_id)
        nodes = _run_due_layers(settings, connection, warehouse, build, layer)
        _check_work(connection, build)
        row_counts = {
            node.name: node.row_count
            for node in nodes
            if node.row_count is not None and node.name.startswith(("fct_", "dim_", "mart_"))
        }
        ledger.count_rows(connection, build.run_id, row_counts)
    return row_counts


def _run_due_layers(
    settings: Settings,
    connection: psycopg.Connection,
    warehouse: Warehouse,
    build: dbt.Build,
    layer: str,
) -> tuple[dbt.Node, ...]:
    """Build a layer, and before it those that it rests on where a crash of the server emptied them:
    the step that comes after the crash may be all that is tried again. Returns all of their nodes.
    """
    layers = list(dbt.LAYERS)
    due = layers[: layers.index(layer) + 1]
    if work_schemas.is_work_of(connection, build.intermediate_schema, build.run_id):
        due = due[-1:]
    nodes: list[dbt.Node] = []
    for name in due:
        with _without_the_unchanged(connection, build, name) as unchanged:
            nodes += dbt.run_layer(settings, warehouse.pipeline_url, build, name, unchanged)
    return tuple(nodes)


def _check_work(connection: psycopg.Connection, build: dbt.Build) -> None:
    if not work_schemas.is_work_of(connection, build.intermediate_schema, build.run_id):
        raise RetryableError(
            "the database crashed meanwhile and lost what the models had worked out: run again"
        )


@contextmanager
def _without_the_unchanged(
    connection: psycopg.Connection, build: dbt.Build, layer: str
) -> Iterator[tuple[str, ...]]:
    """What of a layer stands as it would be built, so that the layer is built without it."""
    if layer != dbt.FIRST_LAYER:
        yield ()
        return
    models_hash = dbt.models_hash()
    stands = work_schemas.take_over(connection, build.work_schemas, models_hash)
    work_schemas.begin_work(connection, build.intermediate_schema, build.run_id)
    yield (dbt.SEEDS, *dbt.staging_of(unread_sources(connection))) if stands else ()
    work_schemas.mark_made(connection, build.work_schemas, models_hash)


def audit_candidate(settings: Settings, build: dbt.Build) -> None:
    """Run the model tests and the suites, complete the candidate, and keep every result.

    The tests are about what the models worked out; the suites see what BI will read, with the month
    ends that are carried over. Where none are, nothing keeps the two from running side by side.
    """
    with _step(settings, build.run_id, "audit") as (connection, warehouse):
        _check_candidate(connection, build.run_id)
        ledger.withdraw_verdicts(connection, build.run_id)
        if not work_schemas.is_work_of(connection, build.intermediate_schema, build.run_id):
            _run_due_layers(settings, connection, warehouse, build, list(dbt.LAYERS)[-1])
        dates = carrying.carried_dates(connection)
        if dates and not carrying.is_completed(connection):
            with _testing(settings, connection, warehouse, build) as tests:
                results = tests.result()
            with connection.transaction():
                ledger.write_check_results(connection, build.run_id, results)
                counts = carrying.complete_candidate(connection, dates)
                ledger.count_rows(connection, build.run_id, counts)
                ledger.note_carried(connection, build.run_id, max(dates))
        if dates:
            results = (
                # Of the tests, which an earlier attempt may have run before it was cut off.
                *ledger.read_check_results(connection, build.run_id),
                carrying.check_carried(connection, dates),
                *_run_suites(connection, warehouse, build),
            )
        else:
            with _testing(settings, connection, warehouse, build) as tests:
                results = (*_run_suites(connection, warehouse, build), *tests.result())
        latest = {(result.table_name, result.check_name): result for result in results}
        # A rule that was asked of emptied tables has proved nothing.
        _check_work(connection, build)
        ledger.write_check_results(connection, build.run_id, latest.values())
        _keep_refused_rows(connection, build)


@contextmanager
def _testing(
    settings: Settings, connection: psycopg.Connection, warehouse: Warehouse, build: dbt.Build
) -> Iterator[Future[tuple[CheckResult, ...]]]:
    """The tests of the models, running while the library of the suites is imported. Nothing is
    asked of the views of a source of which nothing had ever arrived."""
    without = dbt.staging_of(unread_sources(connection, build.known_on))

    def test() -> tuple[CheckResult, ...]:
        return dbt.run_tests(
            settings,
            warehouse.pipeline_url,
            build,
            without,
            timeout_seconds=CHECK_TIMEOUT_SECONDS,
        )

    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(test)
        import_library()
        yield running


def decide_publication(settings: Settings, run_id: str) -> str:
    """Turn the check results into a verdict row. Returns `publish` or `hold`."""
    with _step(settings, run_id, "decide") as (connection, _):
        results = ledger.read_check_results(connection, run_id)
        verdict = decide(results, expected=_expected(connection, run_id))
        ledger.write_verdict(connection, run_id, verdict, decided_by="gate")
    return str(verdict.decision)


def _expected(connection: psycopg.Connection, run_id: str) -> tuple[tuple[str, str], ...]:
    """(table, check) of all that the audit owes: what was run does not say what was not."""
    run = ledger.read_run(connection, run_id)
    unread = unread_sources(connection, run["known_on"] if run else None)
    return (
        *expected_checks(load_suites(_suites_folder())),
        *expected_tests(project_root() / "dbt_project", unread),
        *((carrying.CHECK,) if carrying.carried_dates(connection) else ()),
    )


def publish_marts(settings: Settings, run_id: str) -> str:
    """Swap the candidate in. QualityHold when the verdict is hold. Returns the publication id."""
    with _step(settings, run_id, "publish") as (connection, _):
        try:
            published = publication.publish_candidate(
                connection, run_id, published_by="build_receivables"
            )
        except QualityHold:
            ledger.finish_run(connection, run_id, "held")
            raise
    alerting.report_publication(settings)
    return published.publication_id


def default_as_of_date(connection: psycopg.Connection, known_on: datetime, clock: datetime) -> date:
    """The day that has begun for every entity, each in its time zone; for FEC alone, the last day
    that the ledgers speak of."""
    today = min(clock.astimezone(zone).date() for zone in _time_zones(connection, known_on))
    if _has_live_files(connection, known_on) or is_api_read(connection, known_on):
        return today
    row = connection.execute(
        "select max(greatest((payload ->> 'closing_date')::date,"
        " (payload ->> 'last_entry_date')::date)) from raw_fec.ledger_files"
        " where extracted_at <= %s",
        [known_on],
    ).fetchone()
    connection.commit()
    last_day = row[0] if row else None
    return min(last_day, today) if last_day else today


def _time_zones(connection: psycopg.Connection, known_on: datetime) -> set[ZoneInfo]:
    """Those of the entities as last delivered. BadInput where one is none.

    No other source tells one: what it brings is of the default one.
    """
    rows = connection.execute(
        sql.SQL("select entity_id, time_zone from {} as entities").format(
            rows_known_on(sql.Identifier("raw_files", "entities"))
        ),
        {"known_on": known_on},
    ).fetchall()
    zones = {ZoneInfo(DEFAULT_TIME_ZONE)} if is_api_read(connection, known_on) else set()
    for entity_id, name in rows:
        try:
            zones.add(ZoneInfo(name or DEFAULT_TIME_ZONE))
        except (ZoneInfoNotFoundError, ValueError):
            raise BadInput(
                f"entity {entity_id}: {name} is no time zone",
                where="entities",
                mend="name it as the IANA does, such as Europe/Paris, and deliver it again",
            ) from None
    return zones or {ZoneInfo(DEFAULT_TIME_ZONE)}


def _has_live_files(connection: psycopg.Connection, known_on: datetime) -> bool:
    """Whether an entity of the flat files still has documents (a retired demo has not)."""
    row = connection.execute(
        sql.SQL("select exists (select 1 from {} as documents)").format(
            rows_known_on(sql.Identifier("raw_files", "documents"))
        ),
        {"known_on": known_on},
    ).fetchone()
    return bool(row and row[0])


def _run_suites(
    connection: psycopg.Connection, warehouse: Warehouse, build: dbt.Build
) -> tuple[CheckResult, ...]:
    follows = publication.follows_published(connection, build.run_id)
    connection.commit()
    started = time.monotonic()
    results = run_suites(
        load_suites(_suites_folder()),
        database_url=warehouse.pipeline_url,
        schemas={
            "marts": publication.CANDIDATE,
            "intermediate": "intermediate",
            "ops": "ops",
        },
        published_schema_exists=follows,
        timeout_seconds=CHECK_TIMEOUT_SECONDS,
    )
    ledger.time_step(connection, build.run_id, "suites", time.monotonic() - started)
    return results


def _keep_refused_rows(connection: psycopg.Connection, build: dbt.Build) -> None:
    """Rows that the models refused join those refused while loading."""
    with connection.transaction():
        connection.execute(
            "delete from ops.rejected_row where run_id = %s and found_by = 'transform'",
            [build.run_id],
        )
        connection.execute(
            "insert into ops.rejected_row (run_id, source, stream, entity_id, record_key,"
            " file_name, line_no, column_name, reason, found_by)"
            " select %s, source, stream, entity_id, record_key,"
            # The models know the stream; a person looks for the file that was delivered.
            " coalesce((select payload -> 'files' ->> refused.stream from raw_files.deliveries"
            "   where refused.source = 'files'"
            "   and payload ->> 'entity_id' = refused.entity_id and extracted_at <= %s"
            "   order by version_no desc limit 1), file_name),"
            " line_no, column_name, reason, 'transform'"
            " from intermediate.int_refused_rows as refused where found_by = 'transform'",
            [build.run_id, build.known_on],
        )


def _suites_folder() -> Any:
    return project_root() / "expectations"


@contextmanager
def _step(
    settings: Settings, run_id: str, step: str
) -> Iterator[tuple[psycopg.Connection, Warehouse]]:
    """A connection that holds the build lock, and the step's time in ops.run."""
    started = time.monotonic()
    warehouse = open_warehouse(settings)
    with connect(warehouse.pipeline_url) as connection:
        try:
            ownership.claim(settings, connection)
            ensure_raw(connection)
            publication.lock_build(connection)
            if step == "open_build":
                ledger.fail_abandoned_runs(connection, run_id)
            ledger.start_run(connection, run_id)
        except psycopg.Error as error:
            raise _told(error, step) from error
        try:
            yield connection, warehouse
        except QualityHold:
            raise
        except Exception as error:
            failure = _told(error, step)
            _write_failure(connection, run_id, failure)
            if failure is error:
                raise
            raise failure from error
        ledger.time_step(connection, run_id, step, time.monotonic() - started)


def _told(error: Exception, step: str) -> Exception:
    """The error in words for a person, where it is not yet."""
    known = told(error)
    if known is error and isinstance(error, OSError):
        return FatalError(f"{step}: {error.strerror or error}")
    return known


def _write_failure(connection: psycopg.Connection, run_id: str, error: Exception) -> None:
    """A step that is tried again puts the run back to running; a lost connection cannot write."""
    if connection.closed or connection.broken:
        return
    connection.rollback()
    line = " ".join(str(error).split()) or type(error).__name__
    try:
        ledger.finish_run(connection, run_id, "failed", error=line)
    except psycopg.Error:
        # What failed may be the database itself; the error is raised by the caller all the same.
        log.warning("run %s: the failure could not be written to the ledger", run_id)


def _check_candidate(connection: psycopg.Connection, run_id: str) -> None:
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s",
        [publication.CANDIDATE],
    ).fetchone()
    connection.commit()
    if row is None or row[0] != run_id:
        raise RetryableError(
            f"another build replaced the candidate of run {run_id}: run again when it has ended"
        )
