"""The ledger of operations (`ops`): what ran, what was extracted, refused, checked and published.

Every function is one short transaction of its own on the given connection, so that what is
recorded stays when the work around it fails.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from encours.quality.results import CheckResult
from encours.quality.verdict import Verdict
from encours.warehouse import incidents

SCHEMA = """
create schema if not exists ops;

create table if not exists ops.run (
    run_id text primary key,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    as_of_date date,
    known_on timestamptz,
    status text not null default 'running'
        check (status in ('running', 'published', 'held', 'failed')),
    publication_id text,
    error text,
    seconds jsonb not null default '{}',
    row_counts jsonb not null default '{}'
);
alter table ops.run add column if not exists models_hash text;
-- The last month end whose figures were taken over from the publication before.
alter table ops.run add column if not exists carried_to date;
-- What was published when the candidate was prepared: its row in ops.publication, 0 for nothing.
alter table ops.run add column if not exists standing_row bigint;
-- Whether the books are those of the demo group.
alter table ops.run add column if not exists is_demo boolean not null default false;

create table if not exists ops.extraction (
    extraction_id bigint generated always as identity primary key,
    run_id text not null,
    source text not null,
    stream text not null,
    attempt integer not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    page_count bigint not null default 0,
    row_count bigint not null default 0,
    refused_count bigint not null default 0,
    byte_count bigint not null default 0,
    control_total jsonb,
    watermark text,
    notes text[] not null default '{}',
    status text not null,
    error text
);
create index if not exists extraction_run on ops.extraction (run_id);
-- Of an API, through which several companies are read: whose books. What has landed is yet to be
-- loaded.
alter table ops.extraction add column if not exists entity_id text;
alter table ops.extraction drop constraint if exists extraction_status_check;
alter table ops.extraction add constraint extraction_status_check check (status in
    ('running', 'landed', 'loaded', 'unchanged', 'incomplete', 'refused', 'failed'));

-- When a connection's latest requests were begun, for whoever reads it next: by address, how many
-- seconds before `told_at`.
create table if not exists ops.request_turn (
    connection_id text primary key,
    told_at timestamptz not null default now(),
    seconds_ago jsonb not null
);

create table if not exists ops.rejected_row (
    run_id text not null,
    source text not null,
    stream text not null,
    entity_id text,
    record_key text,
    file_name text not null,
    line_no bigint,
    column_name text,
    reason text not null,
    value_excerpt text,
    found_by text not null check (found_by in ('load', 'transform')),
    rejected_at timestamptz not null default now()
);
create index if not exists rejected_row_run on ops.rejected_row (run_id);

create table if not exists ops.check_result (
    run_id text not null,
    table_name text not null,
    check_name text not null,
    severity text not null check (severity in ('critical', 'warning', 'info')),
    state text not null check (state in ('passed', 'failed', 'not_checked')),
    observed_value text,
    details text,
    why text,
    sample_keys text[] not null default '{}',
    checked_at timestamptz not null default now(),
    primary key (run_id, table_name, check_name)
);
-- The rows that offend, what the parts of their keys are, and of the first of them the number or
-- the day that was judged and what it should have been (quality/results.py).
alter table ops.check_result add column if not exists sample_columns text[] not null default '{}';
alter table ops.check_result add column if not exists row_count bigint;
alter table ops.check_result add column if not exists figure text;
alter table ops.check_result add column if not exists at_least text;
alter table ops.check_result add column if not exists at_most text;
alter table ops.check_result add column if not exists unit text not null default 'number';

create table if not exists ops.verdict (
    verdict_id bigint generated always as identity primary key,
    run_id text not null,
    decision text not null check (decision in ('publish', 'hold')),
    reasons text[] not null default '{}',
    passed integer not null default 0,
    warned integer not null default 0,
    failed integer not null default 0,
    not_checked integer not null default 0,
    decided_by text not null,
    reason text,
    decided_at timestamptz not null default now()
);

-- A verdict is about the candidate as it was judged: what is built anew is not judged yet.
alter table ops.verdict add column if not exists withdrawn_at timestamptz;

create sequence if not exists ops.publication_number;

create table if not exists ops.publication (
    publication_row bigint generated always as identity primary key,
    publication_id text not null,
    run_id text not null,
    action text not null check (action in ('publish', 'release', 'rollback')),
    as_of_date date not null,
    known_on timestamptz not null,
    published_at timestamptz not null default now(),
    published_by text not null,
    reason text,
    retired_schema text
);

-- Whatever the path: what has no verdict that lets it out is not recorded as published, and the
-- swap of the schemas, which is in the same transaction, is undone.
create or replace function ops.require_verdict() returns trigger language plpgsql as $$
declare
    decided text;
begin
    if new.action = 'rollback' then
        if not exists (
            select 1 from ops.publication
            where publication_id = new.publication_id and action <> 'rollback'
        ) then
            raise exception 'publication % was never judged: it cannot be brought back',
                new.publication_id using errcode = 'check_violation';
        end if;
        return new;
    end if;
    select decision into decided from ops.verdict
    where run_id = new.run_id and withdrawn_at is null
    order by verdict_id desc limit 1;
    if decided is distinct from 'publish' then
        raise exception 'run % has no verdict that lets it be published', new.run_id
            using errcode = 'check_violation';
    end if;
    return new;
end
$$;
create or replace trigger publication_needs_verdict
    before insert or update of publication_id, run_id, action on ops.publication
    for each row execute function ops.require_verdict();

-- Every check of every run that the gate judged, as mart_data_quality shows it. Where no number was
-- judged, the first of what was observed is shown (older results have no other); a date is none.
create or replace view ops.judged_check as
select
    run.run_id,
    run.as_of_date,
    run.known_on,
    check_result.table_name,
    check_result.check_name,
    check_result.severity,
    check_result.state,
    check_result.observed_value,
    coalesce(
        case when check_result.unit in ('number', 'days') then check_result.figure end,
        substring(check_result.observed_value from '^[a-z ]*?(-?[0-9]+(?:[.][0-9]+)?)(?: |$)')
    )::numeric as observed_number,
    check_result.why,
    verdict.decision as gate_decision,
    case when check_result.unit in ('number', 'days') then check_result.at_least end::numeric
        as expected_at_least,
    case when check_result.unit in ('number', 'days') then check_result.at_most end::numeric
        as expected_at_most
from ops.run
inner join ops.check_result on run.run_id = check_result.run_id
inner join lateral (
    select decision from ops.verdict
    where
        verdict.run_id = run.run_id and verdict.decided_by = 'gate' and verdict.withdrawn_at is null
    order by verdict_id desc limit 1
) as verdict on true;

create table if not exists ops.policy_choice (
    entity_id text,
    policy text not null,
    value text not null
);
-- Homes made by 0.1.0 had one choice per policy; the next build writes them anew.
alter table ops.policy_choice add column if not exists entity_id text;
alter table ops.policy_choice drop constraint if exists policy_choice_pkey;
create unique index if not exists policy_choice_key
    on ops.policy_choice (coalesce(entity_id, ''), policy);

create table if not exists ops.home (
    is_only boolean primary key default true check (is_only),
    home_id text not null,
    host_name text not null,
    path text not null,
    claimed_at timestamptz not null default now()
);

create table if not exists ops.announced_change (
    entity_id text,
    measure text not null,
    starts_on date not null,
    ends_on date not null,
    reason text not null
);
"""


def apply_schema(connection: psycopg.Connection, name: str, statements: Sequence[str]) -> None:
    """Run idempotent DDL once per version of its text: a fingerprint on the schema remembers it."""
    text = "\n".join(statements)
    fingerprint = f"encours {hashlib.sha256(text.encode()).hexdigest()[:16]}"
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s", [name]
    ).fetchone()
    connection.commit()
    if row is not None and row[0] == fingerprint:
        return
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtext('encours.schema'))")
        for statement in statements:
            connection.execute(statement)
        connection.execute(
            sql.SQL("comment on schema {} is {}").format(
                sql.Identifier(name), sql.Literal(fingerprint)
            )
        )


def ensure_ledger(connection: psycopg.Connection) -> None:
    apply_schema(connection, "ops", [SCHEMA, incidents.SCHEMA])


# ------------------------------------------------------------------------------ runs


def start_run(connection: psycopg.Connection, run_id: str) -> None:
    """A repeated call (a task that is tried again) puts the run back to running."""
    with connection.transaction():
        connection.execute(
            "insert into ops.run (run_id) values (%s)"
            " on conflict (run_id) do update set status = 'running', error = null",
            [run_id],
        )


def date_run(
    connection: psycopg.Connection,
    run_id: str,
    as_of_date: date,
    known_on: datetime,
    models_hash: str,
    *,
    is_demo: bool,
) -> None:
    """Which figures the run makes, by which models and of whose books."""
    with connection.transaction():
        connection.execute(
            "update ops.run set as_of_date = %s, known_on = %s, models_hash = %s, is_demo = %s"
            " where run_id = %s",
            [as_of_date, known_on, models_hash, is_demo, run_id],
        )


def note_carried(connection: psycopg.Connection, run_id: str, last: date) -> None:
    """Up to which month end the figures are those of the publication before."""
    with connection.transaction():
        connection.execute("update ops.run set carried_to = %s where run_id = %s", [last, run_id])


def time_step(connection: psycopg.Connection, run_id: str, step: str, seconds: float) -> None:
    with connection.transaction():
        connection.execute(
            "update ops.run set seconds = seconds || jsonb_build_object(%s::text, %s::numeric)"
            " where run_id = %s",
            [step, round(seconds, 3), run_id],
        )


def count_rows(connection: psycopg.Connection, run_id: str, row_counts: Mapping[str, int]) -> None:
    with connection.transaction():
        connection.execute(
            "update ops.run set row_counts = row_counts || %s::jsonb where run_id = %s",
            [json.dumps(dict(row_counts)), run_id],
        )


def finish_run(
    connection: psycopg.Connection,
    run_id: str,
    status: str,
    *,
    publication_id: str | None = None,
    error: str | None = None,
) -> None:
    with connection.transaction():
        connection.execute(
            "update ops.run set status = %s, finished_at = now(), publication_id = %s, error = %s"
            " where run_id = %s",
            [status, publication_id, error, run_id],
        )


def fail_abandoned_runs(connection: psycopg.Connection, run_id: str) -> None:
    """A run that was killed cannot say so itself: the next one does, holding the build lock."""
    with connection.transaction():
        connection.execute(
            "update ops.run set status = 'failed', finished_at = now(),"
            " error = 'the run was interrupted; the next one replaced it'"
            " where status = 'running' and run_id <> %s",
            [run_id],
        )


def read_run(connection: psycopg.Connection, run_id: str) -> dict[str, Any] | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from ops.run where run_id = %s", [run_id]).fetchone()
    connection.commit()
    return row


# ------------------------------------------------------------------------------ extraction


@dataclass(frozen=True)
class Outcome:
    """How one attempt to extract a stream ended. Counts are rows of the source."""

    status: str
    page_count: int = 0
    row_count: int = 0
    refused_count: int = 0
    byte_count: int = 0
    control_total: Mapping[str, str] | None = None
    watermark: str | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Rejection:
    """A source row that cannot be used: where it stands and why."""

    stream: str
    file_name: str
    line_no: int | None
    column: str
    reason: str
    entity_id: str | None = None
    record_key: str | None = None
    value_excerpt: str | None = None


def start_extraction(
    connection: psycopg.Connection,
    run_id: str,
    source: str,
    stream: str,
    entity_id: str | None = None,
) -> int:
    """Attempts that were killed cannot say so themselves: the next of their stream does."""
    place = {"run": run_id, "source": source, "stream": stream, "entity": entity_id}
    with connection.transaction():
        connection.execute(
            "update ops.extraction set status = 'failed', finished_at = now(),"
            " error = 'the attempt was interrupted; a later one replaced it'"
            " where status in ('running', 'landed') and source = %(source)s"
            " and stream = %(stream)s and entity_id is not distinct from %(entity)s",
            place,
        )
        row = connection.execute(
            "insert into ops.extraction (run_id, source, stream, entity_id, attempt, status)"
            " select %(run)s, %(source)s, %(stream)s, %(entity)s, 1 + count(*), 'running'"
            " from ops.extraction"
            " where run_id = %(run)s and source = %(source)s and stream = %(stream)s"
            " and entity_id is not distinct from %(entity)s"
            " returning extraction_id",
            place,
        ).fetchone()
    assert row is not None
    return int(row[0])


def note_progress(connection: psycopg.Connection, extraction_id: int, so_far: Outcome) -> None:
    """What was read until now, for whoever looks while it runs."""
    with connection.transaction():
        connection.execute(
            "update ops.extraction set page_count = %s, row_count = %s, byte_count = %s"
            " where extraction_id = %s",
            [so_far.page_count, so_far.row_count, so_far.byte_count, extraction_id],
        )


def landed_extractions(
    connection: psycopg.Connection, run_id: str, source: str, entity_id: str
) -> dict[str, int]:
    """The last attempt of each stream of this run and entity, by stream."""
    rows = connection.execute(
        "select stream, max(extraction_id) from ops.extraction"
        " where run_id = %s and source = %s and entity_id = %s group by stream",
        [run_id, source, entity_id],
    ).fetchall()
    connection.commit()
    return {row[0]: row[1] for row in rows}


def finish_extraction(connection: psycopg.Connection, extraction_id: int, outcome: Outcome) -> None:
    with connection.transaction():
        connection.execute(
            "update ops.extraction set finished_at = now(), status = %s, page_count = %s,"
            " row_count = %s, refused_count = %s, byte_count = %s, control_total = %s,"
            " watermark = %s, notes = %s, error = %s where extraction_id = %s",
            [
                outcome.status,
                outcome.page_count,
                outcome.row_count,
                outcome.refused_count,
                outcome.byte_count,
                json.dumps(dict(outcome.control_total)) if outcome.control_total else None,
                outcome.watermark,
                list(outcome.notes),
                outcome.error,
                extraction_id,
            ],
        )


def read_extractions(connection: psycopg.Connection, run_id: str) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select * from ops.extraction where run_id = %s order by extraction_id", [run_id]
        ).fetchall()
    connection.commit()
    return rows


def reject_rows(
    connection: psycopg.Connection,
    run_id: str,
    source: str,
    rejections: Iterable[Rejection],
    found_by: str = "load",
) -> None:
    """Joins the caller's transaction if there is one."""
    with (
        connection.transaction(),
        connection.cursor() as cursor,
        cursor.copy(
            "copy ops.rejected_row (run_id, source, stream, entity_id, record_key, file_name,"
            " line_no, column_name, reason, value_excerpt, found_by) from stdin"
        ) as copy,
    ):
        for rejection in rejections:
            copy.write_row(
                (
                    run_id,
                    source,
                    rejection.stream,
                    rejection.entity_id,
                    rejection.record_key or None,
                    rejection.file_name,
                    rejection.line_no,
                    rejection.column or None,
                    rejection.reason,
                    rejection.value_excerpt,
                    found_by,
                )
            )


# ------------------------------------------------------------------------------ gate


def write_check_results(
    connection: psycopg.Connection, run_id: str, results: Iterable[CheckResult]
) -> None:
    """Replaces the results of the run: a task that is tried again checks again."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("delete from ops.check_result where run_id = %s", [run_id])
        cursor.executemany(
            "insert into ops.check_result (run_id, table_name, check_name, severity, state,"
            " observed_value, details, why, sample_keys, sample_columns, row_count, figure,"
            " at_least, at_most, unit)"
            " values (%(run_id)s, %(table_name)s, %(check_name)s, %(severity)s, %(state)s,"
            " %(observed_value)s, %(details)s, %(why)s, %(sample_keys)s, %(sample_columns)s,"
            " %(row_count)s, %(figure)s, %(at_least)s, %(at_most)s, %(unit)s)",
            [
                {
                    **asdict(result),
                    "run_id": run_id,
                    "sample_keys": list(result.sample_keys),
                    "sample_columns": list(result.sample_columns),
                }
                for result in results
            ],
        )


def read_check_results(connection: psycopg.Connection, run_id: str) -> list[CheckResult]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select table_name, check_name, severity, state, observed_value, details, why,"
            " sample_keys, sample_columns, row_count, figure, at_least, at_most, unit"
            " from ops.check_result where run_id = %s order by 1, 2",
            [run_id],
        ).fetchall()
    connection.commit()
    tuples = ("sample_keys", "sample_columns")
    return [CheckResult(**{**row, **{name: tuple(row[name]) for name in tuples}}) for row in rows]


def write_verdict(
    connection: psycopg.Connection, run_id: str, verdict: Verdict, *, decided_by: str
) -> None:
    with connection.transaction():
        connection.execute(
            "insert into ops.verdict (run_id, decision, reasons, passed, warned, failed,"
            " not_checked, decided_by) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                run_id,
                verdict.decision,
                list(verdict.reasons),
                verdict.passed,
                verdict.warned,
                verdict.failed,
                verdict.not_checked,
                decided_by,
            ],
        )


def withdraw_verdicts(connection: psycopg.Connection, run_id: str) -> None:
    """The candidate is about to be another one than the verdicts of the run were about."""
    with connection.transaction():
        connection.execute(
            "update ops.verdict set withdrawn_at = now()"
            " where run_id = %s and withdrawn_at is null",
            [run_id],
        )


def read_verdict(connection: psycopg.Connection, run_id: str) -> dict[str, Any] | None:
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "select * from ops.verdict where run_id = %s and withdrawn_at is null"
            " order by verdict_id desc limit 1",
            [run_id],
        ).fetchone()
    connection.commit()
    return row


def read_current(connection: psycopg.Connection) -> dict[str, Any] | None:
    """The ledger row of what `marts` holds now; None before the first publication."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from ops.publication order by publication_row desc limit 1"
        ).fetchone()
