"""Faults of the warehouse, asked as the pipeline's role on a connection that can only read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, LiteralString

import psycopg

from encours.errors import BadInput, EncoursError
from encours.orchestration.choices import read_chosen
from encours.orchestration.doctor.findings import (
    DatabaseCheck,
    Finding,
    Installation,
    fail,
    not_applicable,
    ok,
    some,
    warn,
)
from encours.warehouse import embedded, incidents, ownership
from encours.warehouse.connections import (
    READER,
    Target,
    administrator_line,
    connect,
    known_warehouse,
    metadata_name,
    read_standing,
)
from encours.warehouse.publication import CANDIDATE, KEPT_RETIRED_SCHEMAS

# PostgreSQL 18 is what every test runs on; the oldest one that its makers still mend is 14.
TESTED_VERSION, OLDEST_VERSION = 18, 14
CODE_POINT_ORDERS = ("C", "POSIX", "C.UTF-8", "C.UTF8", "C.utf8", "PG_UNICODE_FAST")
CLOCK_WARNS = timedelta(seconds=5)
CLOCK_FAILS = timedelta(minutes=2)
# Maintenance drops what is beyond those kept every night: this many more are a month of readers in
# the way, or of a maintenance that does not run.
RETIRED_TOO_MANY = 30
TRANSACTION_TOO_LONG = timedelta(hours=1)
HELD_TOO_LONG = timedelta(days=2)


def version(_: Installation, connection: psycopg.Connection) -> Finding:
    return judge_version(connection.info.server_version // 10_000)


def judge_version(major: int) -> Finding:
    if major < OLDEST_VERSION:
        return fail(f"PostgreSQL {major} is no longer maintained", "upgrade to PostgreSQL 18")
    if major < TESTED_VERSION:
        return warn(f"PostgreSQL {major}: tested is 18", "upgrade when you can")
    return ok(f"PostgreSQL {major}")


ENCODING = """
select pg_encoding_to_char(encoding), datlocprovider::text, datcollate, datlocale,
    datcollversion is distinct from pg_database_collation_actual_version(oid)
from pg_database where datname = current_database()
"""


def encoding(_: Installation, connection: psycopg.Connection) -> Finding:
    ((name, provider, collate, locale, is_outdated),) = connection.execute(ENCODING).fetchall()
    return judge_encoding(name, locale if provider in "bi" else collate, is_outdated)


def judge_encoding(name: str, sorts: str, is_outdated: bool) -> Finding:
    """`sorts` is the locale by which text is compared, `is_outdated` whether the system's rules of
    it are others than when the database was made."""
    if name != "UTF8":
        return fail(
            f"the database's encoding is {name}: names that it cannot write stop a load",
            "create database … encoding 'UTF8' template template0, and restore into it",
        )
    if is_outdated:
        return fail(
            "the system's collation changed under the database: indexes of text may be wrong",
            "reindex database …; alter database … refresh collation version",
        )
    if sorts not in CODE_POINT_ORDERS:
        return warn(
            f"the database sorts text by {sorts}: ties may end in another order than elsewhere",
            "create database … locale 'C' encoding 'UTF8' template template0",
        )
    return ok(f"UTF8, sorted by {sorts}")


def rights(installation: Installation, connection: psycopg.Connection) -> Finding:
    """What the roles may do: the pipeline's own, and that of the BI tools."""
    standing = read_standing(connection, installation.settings)
    if standing.is_complete:
        return ok(f"roles {standing.role} and {READER} are set up")
    metadata = metadata_name(installation.settings)
    if installation.settings.warehouse_url is None:
        return fail("the embedded server's roles are not whole", "the next command makes them")
    info = connection.info
    line = administrator_line(f"{info.host}:{info.port}", standing, metadata)
    says, _, statements = line.partition("; an administrator")
    return fail(says, f"an administrator{statements}")


GRANTS = """
select
    has_schema_privilege(%(reader)s, 'marts', 'usage'),
    array(
        select relname::text from pg_class
        where relnamespace = 'marts'::regnamespace and relkind in ('r', 'v', 'm', 'p')
        and not has_table_privilege(%(reader)s, oid, 'select')
    ),
    array(
        select nspname::text from pg_namespace
        where nspname !~ '^(pg_|information_schema$|marts$)'
        and has_schema_privilege(%(reader)s, oid, 'usage')
        and nspname <> 'public'
    )
"""


def reader(installation: Installation, connection: psycopg.Connection) -> Finding:
    if not _exists(connection, "marts"):
        return not_applicable("nothing is published yet")
    if not _rows(connection, "select from pg_roles where rolname = %s", READER):
        return fail(f"role {READER} does not exist", "encours status makes it, or says who can")
    ((may_enter, closed, beyond),) = connection.execute(GRANTS, {"reader": READER}).fetchall()
    if not may_enter or closed:
        what = "schema marts" if not may_enter else some(closed)
        return fail(
            f"{READER} may not read {what}",
            f"grant usage on schema marts to {READER};"
            f" grant select on all tables in schema marts to {READER}",
        )
    if beyond:
        return fail(
            f"{READER} may enter {some(beyond)}, which is not for BI",
            f"revoke usage on schema {beyond[0]} from {READER}",
        )
    known = known_warehouse(installation.settings)
    try:
        connect(known.reader_url if known else "").close()
    except EncoursError as error:
        return fail(f"{READER} cannot connect: {error}", "set ENCOURS_READER_PASSWORD")
    return ok(f"{READER} reads marts and nothing else")


def clock(installation: Installation, connection: psycopg.Connection) -> Finding:
    """`known_on` comes from the machine that loads, `extracted_at` is compared with it."""
    if _exists(connection, "ops"):
        ((latest,),) = connection.execute("select max(started_at) from ops.run").fetchall()
        if latest and latest - installation.now > CLOCK_WARNS:
            return fail(
                f"the last run began at {latest:%Y-%m-%d %H:%M:%S %Z}, which is yet to come:"
                " a clock was set back",
                "set the clock right (timedatectl set-ntp true) before the next run",
            )
    ((theirs,),) = connection.execute("select clock_timestamp()").fetchall()
    skew = abs(theirs - installation.now)
    says = f"this machine and the database differ by {skew.total_seconds():.0f} s"
    mend = "let both follow the same time server: timedatectl set-ntp true"
    if skew > CLOCK_FAILS:
        return fail(says, mend)
    if skew > CLOCK_WARNS:
        return warn(says, mend)
    return ok(says)


def owner(installation: Installation, connection: psycopg.Connection) -> Finding:
    """Whether this home is the one that writes to a warehouse of one's own."""
    if installation.settings.warehouse_url is None:
        return not_applicable("the embedded warehouse lies in its home")
    other = ownership.other_owner(installation.settings, connection)
    if other:
        return fail(f"{ownership.REFUSED}: {other}", ownership.WAY_OUT)
    return ok("no other home writes to it")


HOLDERS = """
select activity.pid, activity.application_name
from pg_locks
inner join pg_stat_activity as activity using (pid)
where pg_locks.locktype = 'advisory' and pg_locks.granted
    and pg_locks.database = (select oid from pg_database where datname = current_database())
    and (pg_locks.classid::bigint << 32 | pg_locks.objid::bigint)
    = hashtext('encours.build')::bigint
"""


def build_lock(_: Installation, connection: psycopg.Connection) -> Finding:
    """A build holds the lock and its run is `running`: one without the other is what was left."""
    if not _exists(connection, "ops"):
        return not_applicable("nothing has run yet")
    holders = _rows(connection, HOLDERS)
    running = [
        run_id
        for (run_id,) in _rows(connection, "select run_id from ops.run where status = 'running'")
    ]
    if holders and not running:
        pid, name = holders[0]
        return fail(
            f"session {pid} ({name or 'unnamed'}) holds the build lock and builds nothing",
            f"end it: select pg_terminate_backend({pid})",
        )
    if holders:
        return ok(f"run {running[0]} is being built")
    return ok("nobody holds the build lock")


CANDIDATE_RUN = """
select run.run_id, run.status, run.finished_at
from pg_namespace as candidate
left join ops.run on run.run_id = obj_description(candidate.oid, 'pg_namespace')
where candidate.nspname = %s
"""


def candidate(installation: Installation, connection: psycopg.Connection) -> Finding:
    if not _exists(connection, "ops") or not _exists(connection, CANDIDATE):
        return ok("no candidate is left behind")
    ((run_id, status, finished_at),) = _rows(connection, CANDIDATE_RUN, CANDIDATE)
    if status == "held":
        since = installation.now - finished_at if finished_at else timedelta(0)
        says = f"run {run_id} is held since {finished_at:%Y-%m-%d %H:%M %Z}"
        mend = f"encours status says why; mend the books, or encours release {run_id} --reason …"
        return fail(says, mend) if since > HELD_TOO_LONG else warn(says, mend)
    if status == "running":
        if _rows(connection, HOLDERS):
            return ok(f"run {run_id} is being built")
        return warn(f"run {run_id} was interrupted, or waits for its next step", "encours run")
    return warn(
        f"the candidate of run {run_id or 'unknown'} ({status or 'without a run'}) was left behind",
        "the next build replaces it: encours run",
    )


RETIRED = "select nspname from pg_namespace where nspname ~ '^marts_retired_[0-9]+$'"


def retired(_: Installation, connection: psycopg.Connection) -> Finding:
    count = len(_rows(connection, RETIRED))
    if count > KEPT_RETIRED_SCHEMAS + RETIRED_TOO_MANY:
        return warn(
            f"{count} retired publications take room, {KEPT_RETIRED_SCHEMAS} are kept on purpose",
            "start the DAG maintain_warehouse; a session that reads one of them keeps it",
        )
    return ok(f"{count} retired publications")


LONG = """
select pid, application_name, usename::text, extract(epoch from now() - xact_start)::bigint
from pg_stat_activity
where datname = %s and xact_start < now() - %s::interval and pid <> pg_backend_pid()
order by xact_start
"""


def transactions(installation: Installation, connection: psycopg.Connection) -> Finding:
    return judge_transactions(installation, connection, TRANSACTION_TOO_LONG)


def judge_transactions(
    installation: Installation, connection: psycopg.Connection, patience: timedelta
) -> Finding:
    """On a server of yours, what the pipeline's role may see of other sessions (pg_monitor)."""
    database = connection.info.dbname
    server = embedded.running_server(installation.settings)
    if server is None or installation.settings.warehouse_url:
        found = _rows(connection, LONG, database, patience)
    else:
        owner = Target(server.host, server.port, server.superuser, server.password, "postgres")
        with connect(owner.url(), application_name="encours doctor") as all_seeing:
            found = _rows(all_seeing, LONG, database, patience)
    if found:
        pid, name, user, seconds = found[0]
        return warn(
            f"session {pid} ({name or 'unnamed'}, {user}) has had one transaction open for"
            f" {seconds // 60} minutes: nothing can be vacuumed behind it",
            f"close that report, or: select pg_terminate_backend({pid})",
        )
    return ok("no transaction is open for long")


CONNECTIONS = """
select count(*), current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int
from pg_stat_activity where backend_type = 'client backend'
"""


def connections(_: Installation, connection: psycopg.Connection) -> Finding:
    ((used, limit),) = _rows(connection, CONNECTIONS)
    return judge_connections(used, limit)


def judge_connections(used: int, limit: int) -> Finding:
    says = f"{used} of {limit} connections are in use"
    if used > 0.9 * limit:
        return fail(says, "close BI sessions that idle, or raise max_connections")
    return ok(says)


FAILING = """
select source, entity_id, min(error)
from (
    select distinct on (source, entity_id, stream) source, entity_id, stream, status, error
    from ops.extraction where status <> 'running'
    order by source, entity_id, stream, extraction_id desc
) as latest
where status in ('failed', 'incomplete')
group by source, entity_id order by 1, 2
"""


def extractions(_: Installation, connection: psycopg.Connection) -> Finding:
    if not _exists(connection, "ops"):
        return not_applicable("nothing has run yet")
    failing = _rows(connection, FAILING)
    if failing:
        source, _, error = failing[0]
        names = [" ".join(filter(None, names)) for *names, _ in failing]
        return warn(
            f"the last reading failed of {some(names)}: {(error or 'no reason was kept')[:160]}",
            f"mend what it says, then encours run --source {source}",
        )
    return ok("the last reading of every source succeeded")


def channels(_: Installation, connection: psycopg.Connection) -> Finding:
    """What came of the last message on each channel; sending one is not the doctor's."""
    if not _rows(connection, "select where to_regclass('ops.alert_delivery') is not null"):
        return not_applicable("nobody was ever told anything")
    used = incidents.read_channels(connection)
    broken = [row for row in used if row["error"]]
    if broken:
        count = sum(row["undelivered_count"] for row in broken)
        return fail(
            f"{some([row['channel'] for row in broken])} cannot be reached, {count} messages wait:"
            f" {broken[0]['error'][:160]}",
            "mend its address in alerts.yml, then encours alert --test",
        )
    return ok(f"{len(used)} channels took their last message")


def time_zones(installation: Installation, connection: psycopg.Connection) -> Finding:
    """Whether the deadline of the marts is watched on the clocks of the entities."""
    settings = installation.settings
    if settings.publish_by is None:
        return not_applicable("nobody waits for the marts at a time of day")
    entities = _published_entities(connection)
    if entities is None:
        return not_applicable("nothing is published yet")
    zones = {zone for zone in entities.values() if zone is not None}
    if others := sorted(zones - set(settings.time_zones)):
        known = ",".join((*settings.time_zones, *others))
        return warn(
            f"entities live in {some(others)}, on whose clock the deadline is not watched",
            f"set ENCOURS_TIME_ZONES={known}, then encours up",
        )
    return ok(f"the marts are awaited at {settings.publish_by:%H:%M} on the entities' clocks")


def chosen_entities(installation: Installation, connection: psycopg.Connection) -> Finding:
    """Companies that policies.yml names: a mistyped one and one still to come look the same."""
    entities = _published_entities(connection)
    if entities is None:
        return not_applicable("nothing is published yet")
    try:
        named = read_chosen(installation.settings).entity_ids
    except BadInput:
        return not_applicable("policies.yml cannot be read: see choices")
    if unknown := sorted(named - entities.keys()):
        return warn(
            f"policies.yml names {some(unknown)}, of which nothing is published",
            "correct the entity_id in policies.yml, unless the company is still to come",
        )
    return ok("every company that policies.yml names is published")


def _published_entities(connection: psycopg.Connection) -> dict[str, str | None] | None:
    """Their time zones by their ids; None where nothing is published."""
    if not _rows(connection, "select where to_regclass('marts.dim_entity') is not null"):
        return None
    return dict(_rows(connection, "select entity_id, time_zone from marts.dim_entity"))


def _exists(connection: psycopg.Connection, schema: str) -> bool:
    return bool(_rows(connection, "select from pg_namespace where nspname = %s", schema))


def _rows(
    connection: psycopg.Connection, query: LiteralString, *parameters: Any
) -> list[tuple[Any, ...]]:
    return connection.execute(query, parameters or None).fetchall()


CHECKS = (
    DatabaseCheck("version", version),
    DatabaseCheck("encoding", encoding),
    DatabaseCheck("rights", rights),
    DatabaseCheck("owner", owner),
    DatabaseCheck("reader", reader),
    DatabaseCheck("clock", clock),
    DatabaseCheck("build lock", build_lock),
    DatabaseCheck("candidate", candidate),
    DatabaseCheck("retired marts", retired),
    DatabaseCheck("transactions", transactions),
    DatabaseCheck("connections in use", connections),
    DatabaseCheck("readings", extractions),
    DatabaseCheck("channels", channels),
    DatabaseCheck("time zones", time_zones),
    DatabaseCheck("companies with choices", chosen_entities),
)
