"""Publication by swap: a checked candidate becomes `marts` in one transaction, or nothing happens.

Readers hardly wait: a schema is renamed, no table is touched, in a moment when no statement is
looking up its tables (quiet_moment.py). The verdict is read inside the publishing transaction, so
no path can publish what was not judged.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from encours.errors import BadInput, FatalError, QualityHold, RetryableError
from encours.warehouse import ledger
from encours.warehouse.connections import READER
from encours.warehouse.previous import PUBLISHED, expose_nothing, expose_previous
from encours.warehouse.quiet_moment import QuietMoment, quiet_moments

log = logging.getLogger(__name__)
CANDIDATE = "marts_candidate"
KEPT_RETIRED_SCHEMAS = 3
_QUALITY = sql.SQL(", ").join(
    sql.Identifier(name)
    for name in (
        "run_id",
        "as_of_date",
        "known_on",
        "table_name",
        "check_name",
        "severity",
        "state",
        "observed_value",
        "observed_number",
        "why",
        "gate_decision",
        "expected_at_least",
        "expected_at_most",
    )
)


@dataclass(frozen=True)
class Publication:
    publication_id: str
    run_id: str
    as_of_date: date
    known_on: datetime
    published_at: datetime


def prepare_candidate(
    connection: psycopg.Connection, run_id: str, models_hash: str | None = None
) -> None:
    """An empty candidate schema that carries this run's id; a former candidate is dropped.

    What is published now is what the candidate will be compared with, and what it may replace;
    month ends are taken over from it where models of this hash built it.
    """
    with connection.transaction():
        _lock_publication(connection)
        connection.execute(
            "update ops.run set standing_row = %s where run_id = %s",
            [_standing_row(connection), run_id],
        )
        if follows_published(connection, run_id):
            expose_previous(connection, models_hash)
        else:
            expose_nothing(connection)
        connection.execute(
            sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(CANDIDATE))
        )
        connection.execute(sql.SQL("create schema {}").format(sql.Identifier(CANDIDATE)))
        connection.execute(
            sql.SQL("comment on schema {} is {}").format(
                sql.Identifier(CANDIDATE), sql.Literal(run_id)
            )
        )


def follows_published(connection: psycopg.Connection, run_id: str) -> bool:
    """Whether the candidate of this run goes on from what is published.

    None does before the first publication, nor do the first real books after those of the demo
    group: that all of it has gone is what was asked for.
    """
    row = connection.execute(
        "select not coalesce(published_run.is_demo, false) or coalesce(this_run.is_demo, false)"
        " from ops.publication"
        " left join ops.run as published_run on published_run.run_id = publication.run_id"
        " left join ops.run as this_run on this_run.run_id = %s"
        " order by publication.publication_row desc limit 1",
        [run_id],
    ).fetchone()
    return bool(row and row[0])


def lock_build(connection: psycopg.Connection) -> None:
    """One build at a time per warehouse; held until the connection closes."""
    row = connection.execute("select pg_try_advisory_lock(hashtext('encours.build'))").fetchone()
    connection.commit()
    if row is None or not row[0]:
        raise RetryableError(
            "another build of this warehouse is running: wait for it, `encours status` shows it"
        )


def publish_candidate(
    connection: psycopg.Connection, run_id: str, *, published_by: str
) -> Publication:
    """Publish what the gate let through. QualityHold when the verdict is not `publish`.

    Asked again for a run whose marts stand already (a task that was killed before it could say so
    is tried again), it does nothing more.
    """
    with _swapping(connection) as moment:
        if standing := _published_by(connection, run_id):
            ledger.finish_run(
                connection, run_id, "published", publication_id=standing.publication_id
            )
            return standing
        _check_candidate(connection, run_id)
        verdict = connection.execute(
            "select decision, reasons from ops.verdict where run_id = %s"
            " and withdrawn_at is null order by verdict_id desc limit 1",
            [run_id],
        ).fetchone()
        if verdict is None:
            raise FatalError(f"run {run_id} has no verdict: it was not checked, nothing published")
        if verdict[0] != "publish":
            raise QualityHold("; ".join(verdict[1]) or f"run {run_id} is held")
        _check_standing(connection, run_id)
        return _swap_in(connection, moment, run_id, "publish", published_by, None)


def release_candidate(
    connection: psycopg.Connection,
    run_id: str,
    *,
    released_by: str,
    reason: str,
    seen: int | None = None,
) -> Publication:
    """Publish a held candidate on a person's word. Leaves who and why in the ledger.

    `seen` is the row of the publication that the person decided on (0: nothing was published).
    """
    with _swapping(connection) as moment:
        held = connection.execute(
            "select decision from ops.verdict where run_id = %s and withdrawn_at is null"
            " order by verdict_id desc limit 1",
            [run_id],
        ).fetchone()
        if held is None:
            raise BadInput(f"run {run_id} is unknown or was never checked", mend="see status")
        if held[0] != "hold":
            raise BadInput(f"run {run_id} is not held", mend="see status")
        _check_candidate(connection, run_id)
        _check_seen(connection, seen)
        _check_standing(connection, run_id)
        connection.execute(
            "insert into ops.verdict (run_id, decision, decided_by, reason)"
            " values (%s, 'publish', %s, %s)",
            [run_id, released_by, reason],
        )
        return _swap_in(connection, moment, run_id, "release", released_by, reason)


def rollback_publication(
    connection: psycopg.Connection, *, rolled_back_by: str, reason: str, seen: int | None = None
) -> Publication:
    """Put the publication before the current one back. The marts it replaces are kept retired.

    `seen` is the row of the publication that the person decided on; asked twice, it goes back once.
    """
    with _swapping(connection) as moment:
        _check_seen(connection, seen)
        current = ledger.read_current(connection)
        if current is None:
            raise BadInput("nothing is published yet: there is nothing to go back from")
        retired = _retired_before(connection, current["publication_row"])
        if retired is None:
            raise BadInput("no earlier publication is kept: there is nothing to go back to")
        schema = retired["retired_schema"]
        number = _next_number(connection)
        retired_as = f"{PUBLISHED}_retired_{number}"
        _retire(connection, moment, retired_as)
        _grant_reading(connection, schema)
        _rename(connection, schema, PUBLISHED)
        row = connection.execute(_described_in(PUBLISHED)).fetchone()
        assert row is not None
        connection.execute(
            "update ops.publication set retired_schema = null where retired_schema = %s", [schema]
        )
        return _record(
            connection,
            publication_id=row[0],
            run_id=row[1],
            as_of_date=row[2],
            known_on=row[3],
            action="rollback",
            actor=rolled_back_by,
            reason=reason,
            retired_schema=retired_as,
        )


def read_earlier(connection: psycopg.Connection) -> Publication | None:
    """What a rollback would put back; None when nothing earlier is kept."""
    current = ledger.read_current(connection)
    retired = _retired_before(connection, current["publication_row"]) if current else None
    if retired is None:
        return None
    row = connection.execute(_described_in(retired["retired_schema"])).fetchone()
    return Publication(*row) if row else None


def drop_retired(connection: psycopg.Connection, keep: int = KEPT_RETIRED_SCHEMAS) -> list[str]:
    """Drop the oldest retired marts, never waiting long behind a reader. Returns what went."""
    _close_retired(connection)
    names = [
        row[0]
        for row in connection.execute(
            "select nspname from pg_namespace where nspname ~ '^marts_retired_[0-9]+$'"
            " order by substring(nspname from '[0-9]+$')::bigint desc offset %s",
            [keep],
        ).fetchall()
    ]
    connection.commit()
    dropped = []
    for name in names:
        try:
            with connection.transaction():
                connection.execute("set local lock_timeout = '2s'")
                connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(name)))
                connection.execute(
                    "update ops.publication set retired_schema = null where retired_schema = %s",
                    [name],
                )
        except psycopg.errors.LockNotAvailable:
            continue  # A reader is still on it: the next maintenance will meet it again.
        dropped.append(name)
    return dropped


def _check_candidate(connection: psycopg.Connection, run_id: str) -> None:
    row = connection.execute(
        "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = %s",
        [CANDIDATE],
    ).fetchone()
    if row is None or row[0] != run_id:
        raise BadInput(
            f"the candidate of run {run_id} is gone",
            mend="a later run replaced it; run again to build a new one",
        )


def _published_by(connection: psycopg.Connection, run_id: str) -> Publication | None:
    """What stands in the marts, where this run published it."""
    current = ledger.read_current(connection)
    if current is None or current["run_id"] != run_id or current["action"] == "rollback":
        return None
    names = ("publication_id", "run_id", "as_of_date", "known_on", "published_at")
    return Publication(**{name: current[name] for name in names})


def _standing_row(connection: psycopg.Connection) -> int:
    """The row of what is published now in ops.publication; 0 for nothing."""
    current = ledger.read_current(connection)
    return int(current["publication_row"]) if current else 0


def _check_standing(connection: psycopg.Connection, run_id: str) -> None:
    """A candidate was compared with what stood when it was prepared, and took month ends over from
    it. Where that has been rolled back since, publishing the candidate would bring it back."""
    row = connection.execute(
        "select standing_row from ops.run where run_id = %s", [run_id]
    ).fetchone()
    # A candidate that an earlier version prepared does not say.
    if row and row[0] is not None and row[0] != _standing_row(connection):
        raise BadInput(
            f"run {run_id} was built on a publication that was rolled back since",
            mend="run again to build on what is published now",
        )


def _check_seen(connection: psycopg.Connection, seen: int | None) -> None:
    if seen is not None and seen != _standing_row(connection):
        raise BadInput(
            "another publication has come meanwhile: nothing was done",
            mend="look at what is published now, and decide again",
        )


def _lock_publication(connection: psycopg.Connection) -> None:
    connection.execute("select pg_advisory_xact_lock(hashtext('encours.publication'))")


def _swap_in(
    connection: psycopg.Connection,
    moment: QuietMoment,
    run_id: str,
    action: str,
    actor: str,
    reason: str | None,
) -> Publication:
    number = _next_number(connection)
    publication_id = f"pub-{number:06d}"
    row = connection.execute(
        sql.SQL(
            "update {} set publication_id = %s, published_at = now() where run_id = %s"
            " returning as_of_date, known_on"
        ).format(sql.Identifier(CANDIDATE, "publication_info")),
        [publication_id, run_id],
    ).fetchone()
    if row is None:
        raise FatalError(f"the candidate does not describe run {run_id}: nothing published")
    _complete_quality(connection, run_id)
    _grant_reading(connection, CANDIDATE)
    retired_schema = None
    if _schema_exists(connection, PUBLISHED):
        retired_schema = f"{PUBLISHED}_retired_{number}"
        _retire(connection, moment, retired_schema)
    _rename(connection, CANDIDATE, PUBLISHED)
    ledger.finish_run(connection, run_id, "published", publication_id=publication_id)
    return _record(
        connection,
        publication_id=publication_id,
        run_id=run_id,
        as_of_date=row[0],
        known_on=row[1],
        action=action,
        actor=actor,
        reason=reason,
        retired_schema=retired_schema,
    )


def _complete_quality(connection: psycopg.Connection, run_id: str) -> None:
    """What this run's checks found joins the runs before it: it was not known when the candidate
    was built."""
    quality = sql.Identifier(CANDIDATE, "mart_data_quality")
    connection.execute(sql.SQL("delete from {} where run_id = %s").format(quality), [run_id])
    connection.execute(
        sql.SQL("insert into {} ({}) select {} from ops.judged_check where run_id = %s").format(
            quality, _QUALITY, _QUALITY
        ),
        [run_id],
    )


def _record(
    connection: psycopg.Connection,
    *,
    publication_id: str,
    run_id: str,
    as_of_date: date,
    known_on: datetime,
    action: str,
    actor: str,
    reason: str | None,
    retired_schema: str | None,
) -> Publication:
    row = connection.execute(
        "insert into ops.publication (publication_id, run_id, action, as_of_date, known_on,"
        " published_by, reason, retired_schema) values (%s, %s, %s, %s, %s, %s, %s, %s)"
        " returning published_at",
        [publication_id, run_id, action, as_of_date, known_on, actor, reason, retired_schema],
    ).fetchone()
    assert row is not None
    return Publication(publication_id, run_id, as_of_date, known_on, row[0])


def _described_in(schema: str) -> sql.Composed:
    """The publication that the marts of a schema are, in the order of its fields."""
    return sql.SQL(
        "select publication_id, run_id, as_of_date, known_on, published_at from {}"
    ).format(sql.Identifier(schema, "publication_info"))


def _retired_before(connection: psycopg.Connection, row_number: int) -> dict[str, Any] | None:
    """The marts that the current row retired, else the latest retired before it."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select retired_schema from ops.publication"
            " where publication_row <= %s and retired_schema is not null"
            " and action <> 'rollback'"
            " order by publication_row desc limit 1",
            [row_number],
        ).fetchone()


def _grant_reading(connection: psycopg.Connection, schema: str) -> None:
    reader = sql.Identifier(READER)
    name = sql.Identifier(schema)
    connection.execute(sql.SQL("grant usage on schema {} to {}").format(name, reader))
    connection.execute(
        sql.SQL("grant select on all tables in schema {} to {}").format(name, reader)
    )


def _retire(connection: psycopg.Connection, moment: QuietMoment, retired_schema: str) -> None:
    moment.wait_for(PUBLISHED)
    _rename(connection, PUBLISHED, retired_schema)


@contextmanager
def _swapping(connection: psycopg.Connection) -> Iterator[QuietMoment]:
    """A transaction that swaps, one at a time. What it retires is closed to readers by another one
    after it: a statement finds a schema by its name, then looks whether it may use it, and would
    find the one that it knows closed and the new one not there yet."""
    with quiet_moments(connection) as moment, connection.transaction():
        _lock_publication(connection)
        yield moment
    try:
        _close_retired(connection)
    except psycopg.Error:
        log.exception("retired marts are left open to readers until the next maintenance")


def _close_retired(connection: psycopg.Connection) -> None:
    """bi_reader reads `marts` and nothing else, so what is retired is closed to it: the tables as
    well, because pg_stats shows the commonest values of those that a role may read."""
    with connection.transaction():
        _lock_publication(connection)
        open_schemas = connection.execute(
            "select nspname from pg_namespace where nspname ~ '^marts_retired_[0-9]+$'"
            " and has_schema_privilege(%s, oid, 'usage')",
            [READER],
        ).fetchall()
        for (schema,) in open_schemas:
            names = sql.Identifier(schema), sql.Identifier(READER)
            for statement in (
                "revoke select on all tables in schema {} from {}",
                "revoke usage on schema {} from {}",
            ):
                connection.execute(sql.SQL(statement).format(*names))


def _schema_exists(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("select 1 from pg_namespace where nspname = %s", [name]).fetchone()
    return row is not None


def _rename(connection: psycopg.Connection, old: str, new: str) -> None:
    connection.execute(
        sql.SQL("alter schema {} rename to {}").format(sql.Identifier(old), sql.Identifier(new))
    )


def _next_number(connection: psycopg.Connection) -> int:
    row = connection.execute("select nextval('ops.publication_number')").fetchone()
    assert row is not None
    return int(row[0])
