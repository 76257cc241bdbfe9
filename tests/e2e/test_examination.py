"""`encours doctor` on a running server: each fault is made, then the whole examination is read."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from warehouse_steps import make_candidate, pipeline, prepare, publish_made_up, rows

from encours.orchestration.doctor import examination, warehouse
from encours.orchestration.doctor.findings import Finding, Installation, State
from encours.settings import Settings
from encours.warehouse import embedded, ledger
from encours.warehouse.connections import READER, connect, open_warehouse, parse_url

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("doctor")]

PASSWORD = "canary-4711"


@pytest.fixture
def published(home: Settings) -> Settings:
    """One publication, and nothing else."""
    prepare(home)
    with pipeline(home) as connection:
        connection.execute("drop schema if exists marts, marts_candidate cascade")
        connection.execute("truncate ops.run, ops.extraction, ops.publication, ops.verdict")
    publish_made_up(home, "run-1", 100)
    with pipeline(home) as connection:
        ledger.finish_run(connection, "run-1", "published", publication_id="pub-1")
    return home


def found(settings: Settings, name: str, **others: Any) -> Finding:
    """What one check of the whole examination says."""
    return examination.examine(Installation(settings, **others))[name]


def has(finding: Finding, state: State, words: str) -> bool:
    assert finding.mend
    assert "\n" not in finding.says + finding.mend
    return finding.state == state and words in finding.says


def superuser(settings: Settings, database: str = "postgres") -> psycopg.Connection:
    server = embedded.ensure_started(settings)
    return psycopg.connect(
        host=server.host,
        port=server.port,
        user=server.superuser,
        password=server.password,
        dbname=database,
        autocommit=True,
    )


def test_good_warehouse_has_no_fault(published: Settings) -> None:
    findings = examination.examine(Installation(published))

    faults = {n: f for n, f in findings.items() if f.state in (State.FAIL, State.WARN)}
    assert faults == {}
    assert {check.name for check in warehouse.CHECKS} <= set(findings)


def test_examination_changes_nothing(published: Settings) -> None:
    def everything() -> tuple[object, ...]:
        files = [
            (str(path), path.stat().st_mtime_ns, path.stat().st_size)
            for path in sorted(published.home.rglob("*"))
            if path.is_file() and not path.is_relative_to(published.postgres_dir)
        ]
        tables = rows(published, "select oid, relname, relfilenode from pg_class order by oid")
        runs = rows(published, "select * from ops.run order by run_id")
        return files, tables, runs, rows(published, "select rolname, rolconfig from pg_roles")

    before = everything()

    examination.examine(Installation(published))

    assert everything() == before


def test_connection_of_the_examination_can_only_read(published: Settings) -> None:
    with (
        closing(examination._open(open_warehouse(published).pipeline_url)) as connection,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        connection.execute("create table ops.written (one int)")


# --- reaching it -------------------------------------------------------------------------------


def test_refused_password_is_a_fault_and_is_not_told(published: Settings) -> None:
    url = parse_url(open_warehouse(published).pipeline_url).url(password=PASSWORD)

    findings = examination.examine(Installation(replace(published, warehouse_url=url)))

    assert has(findings["warehouse"], State.FAIL, "the password is refused")
    assert PASSWORD not in examination.render(findings)


def test_role_without_rights_is_a_fault_with_the_statements_to_run(published: Settings) -> None:
    with superuser(published) as connection:
        connection.execute(f"create role weak login password '{PASSWORD}'")
        connection.execute("create database weak_books")
        connection.execute("grant connect on database weak_books to weak")
    try:
        target = parse_url(open_warehouse(published).pipeline_url)
        url = target.url(user="weak", password=PASSWORD, database="weak_books")

        finding = found(replace(published, warehouse_url=url), "rights")
    finally:
        with superuser(published) as connection:
            connection.execute("drop database weak_books with (force)")
            connection.execute("drop role weak")

    assert has(finding, State.FAIL, "may not set up the warehouse")
    assert 'grant create on database "weak_books" to "weak"' in finding.mend
    assert 'create database "weak_books_airflow"' in finding.mend
    assert PASSWORD not in finding.mend


def test_database_that_cannot_write_every_name_is_a_fault(published: Settings) -> None:
    made = "encoding 'LATIN1' locale_provider libc locale 'C'"
    with superuser(published) as connection:
        connection.execute(f"create database latin template template0 {made}")  # type: ignore[arg-type]
    try:
        with superuser(published, "latin") as connection:
            finding = warehouse.encoding(Installation(published), connection)
    finally:
        with superuser(published) as connection:
            connection.execute("drop database latin with (force)")

    assert has(finding, State.FAIL, "encoding is LATIN1")


# --- roles -------------------------------------------------------------------------------------


def test_reader_that_may_not_read_the_marts_is_a_fault(published: Settings) -> None:
    with pipeline(published) as connection:
        connection.execute("revoke select on marts.mart_aged_balance from bi_reader")
    assert has(found(published, "reader"), State.FAIL, "may not read mart_aged_balance")

    with pipeline(published) as connection:
        connection.execute("revoke usage on schema marts from bi_reader")
    assert has(found(published, "reader"), State.FAIL, "may not read schema marts")


def test_reader_that_may_enter_another_schema_is_a_fault(published: Settings) -> None:
    with pipeline(published) as connection:
        connection.execute("grant usage on schema ops to bi_reader")
    try:
        assert has(found(published, "reader"), State.FAIL, "may enter ops")
    finally:
        with pipeline(published) as connection:
            connection.execute("revoke usage on schema ops from bi_reader")


def test_reader_whose_settings_are_gone_is_a_fault(published: Settings) -> None:
    with superuser(published) as connection:
        connection.execute(f"alter role {READER} in database encours reset all")

    finding = found(published, "rights")

    open_warehouse(published)
    assert has(finding, State.FAIL, "roles are not whole")
    assert found(published, "rights").state == State.OK


# --- clocks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("minutes", "state"), [(1, State.WARN), (10, State.FAIL)])
def test_clock_that_is_ahead_of_the_database_is_told(
    published: Settings, minutes: int, state: State
) -> None:
    now = datetime.now(UTC) + timedelta(minutes=minutes)

    assert has(found(published, "clock", now=now), state, "this machine and the database differ by")


def test_clock_that_was_set_back_is_a_fault(published: Settings) -> None:
    with pipeline(published) as connection:
        connection.execute("update ops.run set started_at = now() + interval '1 day'")

    assert has(found(published, "clock"), State.FAIL, "which is yet to come")


# --- what was left behind ----------------------------------------------------------------------


def test_lock_held_by_a_session_that_builds_nothing_is_a_fault(published: Settings) -> None:
    url = open_warehouse(published).pipeline_url
    with closing(connect(url, application_name="forgotten")) as holder:
        holder.execute("select pg_advisory_lock(hashtext('encours.build'))")

        finding = found(published, "build lock")

    assert has(finding, State.FAIL, "(forgotten) holds the build lock")
    assert found(published, "build lock").state == State.OK


def test_lock_of_a_running_build_is_no_fault(published: Settings) -> None:
    with closing(connect(open_warehouse(published).pipeline_url)) as holder:
        holder.execute("select pg_advisory_lock(hashtext('encours.build'))")
        holder.commit()
        ledger.start_run(holder, "run-2")

        assert found(published, "build lock").state == State.OK


@pytest.mark.parametrize(
    ("status", "hours", "state", "words"),
    [
        ("held", 1, State.WARN, "run run-2 is held since"),
        ("held", 72, State.FAIL, "run run-2 is held since"),
        ("failed", 1, State.WARN, "was left behind"),
        ("running", 1, State.WARN, "was interrupted"),
    ],
)
def test_candidate_that_waits_for_a_person_is_told(
    published: Settings, status: str, hours: int, state: State, words: str
) -> None:
    with pipeline(published) as connection:
        make_candidate(connection, "run-2", 100)
        connection.execute(
            "update ops.run set status = %s, finished_at = now() - make_interval(hours => %s)"
            " where run_id = 'run-2'",
            [status, hours],
        )

    assert has(found(published, "candidate"), state, words)


def test_retired_publications_that_pile_up_are_told(published: Settings) -> None:
    with pipeline(published) as connection:
        for number in range(34):
            connection.execute(f"create schema marts_retired_{9000 + number}")  # type: ignore[arg-type]
    try:
        assert has(found(published, "retired marts"), State.WARN, "34 retired publications")
    finally:
        with pipeline(published) as connection:
            for number in range(34):
                connection.execute(f"drop schema marts_retired_{9000 + number}")  # type: ignore[arg-type]


def test_transaction_that_a_report_holds_open_is_told(published: Settings) -> None:
    url = open_warehouse(published).reader_url
    with closing(connect(url, application_name="report")) as report:
        report.execute("select * from mart_aged_balance")
        with pipeline(published) as connection:
            finding = warehouse.judge_transactions(
                Installation(published), connection, timedelta(0)
            )

    assert has(finding, State.WARN, "(report, bi_reader) has had one transaction open")


def test_source_whose_last_reading_failed_is_told(published: Settings) -> None:
    with pipeline(published) as connection:
        number = ledger.start_extraction(connection, "run-3", "odoo", "invoices", "lyon")
        ledger.finish_extraction(
            connection, number, ledger.Outcome("failed", error="401: the key is refused")
        )

    finding = found(published, "readings")

    assert has(finding, State.WARN, "odoo lyon: 401: the key is refused")
    assert finding.mend.endswith("encours run --source odoo")


def test_channel_that_cannot_be_reached_is_a_fault(published: Settings) -> None:
    assert found(published, "channels").state == State.OK
    with pipeline(published) as connection:
        connection.execute(
            "with message as (insert into ops.alert_message (kind, content) values ('hold', '{}')"
            " returning message_id) insert into ops.alert_delivery (message_id, channel, attempts,"
            " attempted_at, error) select message_id, 'controllers', 1, now(),"
            " 'connection refused' from message"
        )
    try:
        finding = found(published, "channels")
    finally:
        with pipeline(published) as connection:
            connection.execute("delete from ops.alert_message")

    assert has(finding, State.FAIL, "controllers cannot be reached, 1 messages wait")


def test_zone_on_whose_clock_the_deadline_is_not_watched_is_named(published: Settings) -> None:
    with pipeline(published) as connection:
        connection.execute(
            "drop table marts.dim_entity; create table marts.dim_entity as select * from (values"
            " ('paris', 'Europe/Paris'), ('auckland', 'Pacific/Auckland'))"
            " as entities (entity_id, time_zone)"
        )

    both = replace(published, time_zones=("Europe/Paris", "Pacific/Auckland"))

    finding = found(published, "time zones")
    assert has(finding, State.WARN, "entities live in Pacific/Auckland")
    assert "ENCOURS_TIME_ZONES=Europe/Paris,Pacific/Auckland" in finding.mend
    assert found(both, "time zones").state == State.OK
    assert found(replace(published, publish_by=None), "time zones").state == State.NOT_APPLICABLE


def test_company_with_choices_that_nothing_is_published_of_is_told(published: Settings) -> None:
    policies = published.home / "policies.yml"
    policies.write_text(
        "entities: {fr01: {unapplied: own_date}, fr99: {unapplied: own_date}}\n"
        "announced: [{measure: outstanding, entity: fr98, from: 2025-01-01, until: 2025-01-31,"
        " reason: a new contract}]\n"
    )
    with pipeline(published) as connection:
        connection.execute("insert into marts.dim_entity values ('fr01', 'Europe/Paris')")
    try:
        of_three = found(published, "companies with choices")
        policies.write_text("entities: {fr01: {unapplied: own_date}}\n")
        of_one = found(published, "companies with choices")
    finally:
        policies.unlink()

    assert has(of_three, State.WARN, "policies.yml names fr98, fr99, of which nothing is published")
    assert of_one.state == State.OK
