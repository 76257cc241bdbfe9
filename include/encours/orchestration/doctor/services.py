"""Faults of Airflow: its services, its DAGs, and the connections that it keeps."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from psycopg.rows import dict_row

from encours.errors import EncoursError
from encours.orchestration import accesses, alerting, services
from encours.orchestration.airflow_home import known_fernet_key
from encours.orchestration.doctor.findings import (
    Check,
    DatabaseCheck,
    Finding,
    Installation,
    fail,
    not_applicable,
    ok,
    some,
    warn,
)
from encours.warehouse import embedded

# Airflow's own limit is 30 s; a busy machine may miss one.
HEARTBEAT_PATIENCE = timedelta(seconds=90)
# An access token lives for an hour or less, and each reading renews it. Vendors forget a refresh
# token that nobody uses after 30 (Sage) to 100 days (QuickBooks).
RENEWAL_PATIENCE = timedelta(days=25)
NEVER_PAUSED = ("build_receivables", "maintain_warehouse")


def running_services(installation: Installation) -> Finding:
    settings = installation.settings
    alive = services.alive_services(settings)
    if alive is None:
        last = embedded.read_secret(settings, "airflow.port")
        if last and not embedded.is_free(int(last)):
            return warn(
                f"Airflow is stopped and another program has its port {last}",
                "encours up --port N, and change your bookmark",
            )
        return not_applicable("encours up has not been started here")
    dead = [name for name in services.SERVICES if not alive.get(name)]
    if len(dead) == len(services.SERVICES):
        return fail("every service of encours up is dead (a restart of the machine?)", "encours up")
    if dead:
        return fail(
            f"half of encours up runs: {some(dead)} is dead, see {settings.logs_dir}",
            "encours up starts what is missing",
        )
    return ok(f"{', '.join(services.SERVICES)} run")


def dag_files(installation: Installation) -> Finding:
    """What Python itself cannot read; what fails on import is in Airflow's own table."""
    broken = list(_unreadable(installation.root / "dags"))
    if broken:
        return fail(f"Airflow cannot load {some(broken)}", "git checkout dags, or mend the line")
    return ok("every DAG file can be read")


def plugin_files(installation: Installation) -> Finding:
    folder = installation.root / "plugins"
    if not folder.is_dir():
        return not_applicable("no plugins folder")
    broken = list(_unreadable(folder))
    if broken:
        return fail(
            f"Airflow leaves out the plugin {some(broken)}", "git checkout plugins, then encours up"
        )
    given = installation.environment.get("AIRFLOW__CORE__PLUGINS_FOLDER")
    if given and Path(given).resolve() != folder.resolve():
        return warn(
            f"AIRFLOW__CORE__PLUGINS_FOLDER is {given}: the gate page is not there",
            f"unset it, or set it to {folder}",
        )
    return ok("every plugin can be read")


def _unreadable(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("**/*.py")):
        try:
            ast.parse(path.read_bytes(), path.name)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None)
            yield f"{path.name}, line {line}" if line else path.name


# --- what Airflow's database says --------------------------------------------------------------

HEARTBEATS = """
select distinct on (job_type) job_type, state, latest_heartbeat
from job where job_type in ('SchedulerJob', 'DagProcessorJob', 'TriggererJob')
order by job_type, latest_heartbeat desc
"""


def heartbeat(installation: Installation, connection: psycopg.Connection) -> Finding:
    jobs = [row for row in _rows(connection, HEARTBEATS) if row["state"] == "running"]
    if not jobs:
        return not_applicable("no scheduler has been started, or it was stopped")
    silent = [
        f"{job['job_type'].removesuffix('Job').lower()} since {job['latest_heartbeat']:%H:%M:%S %Z}"
        for job in jobs
        if installation.now - job["latest_heartbeat"] > HEARTBEAT_PATIENCE
    ]
    if silent:
        return fail(
            f"gives no sign of life: {some(silent)}",
            "encours stop, then encours up; the log is in logs/",
        )
    return ok("scheduler, DAG processor and triggerer give signs of life")


def import_errors(_: Installation, connection: psycopg.Connection) -> Finding:
    rows = _rows(connection, "select filename, stacktrace from import_error order by 1")
    if rows:
        lines = (rows[0]["stacktrace"] or "").strip().splitlines() or ["no reason was kept"]
        return fail(
            f"Airflow could not load {some([Path(row['filename']).name for row in rows])}:"
            f" {lines[-1][:160]}",
            "make setup, then encours stop and encours up; the trace is in Airflow's UI",
        )
    return ok("Airflow loaded every DAG file")


def paused_dags(_: Installation, connection: psycopg.Connection) -> Finding:
    rows = _rows(
        connection, "select dag_id from dag where is_paused and not is_stale order by dag_id"
    )
    paused = [row["dag_id"] for row in rows]
    if set(paused) & set(NEVER_PAUSED):
        return fail(
            f"paused: {some(paused)}: nothing is published or cleaned up by itself",
            "switch it on in Airflow's UI, or airflow dags unpause",
        )
    if paused:
        return warn(f"paused: {some(paused)}", "switch it on in Airflow's UI if that was forgotten")
    return ok("no DAG is paused")


def fernet_key(installation: Installation, connection: psycopg.Connection) -> Finding:
    """Whether what the store holds can be read with the key of this home."""
    stored = _rows(connection, accesses.STORED)
    secret = [row for row in stored if row["is_encrypted"] or row["is_extra_encrypted"]]
    if not secret:
        return not_applicable("no connection is stored")
    cipher = _cipher(installation)
    locked = [row["conn_id"] for row in secret if _opened(cipher, row) is None]
    if locked:
        return fail(
            f"stored with another key, and nobody can read it: {some(locked)}",
            "restore secrets/airflow_fernet (or AIRFLOW_FERNET_KEY), or encours connect again",
        )
    return ok(f"{len(secret)} stored connections can be decrypted")


def connections(installation: Installation, connection: psycopg.Connection) -> Finding:
    faults = list(_connection_faults(installation, connection))
    if faults:
        return fail(some([says for says, _ in faults]), faults[0][1])
    names = {row["conn_id"] for row in _of_sources(connection)}
    names |= set(_given(installation))
    if not names:
        return not_applicable("no accounting system is connected")
    return ok(f"{len(names)} connections have what they need")


def _connection_faults(
    installation: Installation, connection: psycopg.Connection
) -> Iterator[tuple[str, str]]:
    cipher = _cipher(installation)
    for row in _of_sources(connection):
        opened = _opened(cipher, row)
        if opened is not None:
            yield from _faults(installation, row["conn_id"], {**row, **opened})
    for name in _given(installation):
        text = installation.environment[accesses.variable_of(name)]
        if text.lstrip().startswith("{"):
            try:
                content = json.loads(text)
            except ValueError:
                yield f"{accesses.variable_of(name)} is no JSON", "write it as one JSON object"
                continue
            extra = content.get("extra") or {}
            fields = {"password": None, "login": None, "host": None, **content}
            fields["extra"] = extra if isinstance(extra, str) else json.dumps(extra)
            yield from _faults(installation, name, fields)


def _of_sources(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """The stored connections less those of channels, which hold a URL only."""
    rows = _rows(connection, accesses.STORED)
    return [row for row in rows if not row["conn_id"].startswith(alerting.PREFIX)]


def _given(installation: Installation) -> list[str]:
    names = accesses.given_ids(installation.environment)
    return [name for name in names if not name.startswith(alerting.PREFIX)]


def _faults(
    installation: Installation, name: str, fields: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """What a connection lacks, by its name and the names of its fields only."""
    source = accesses.source_of(name)
    if source is None:
        yield f"{name} belongs to no source", f"encours connect SOURCE, and delete {name}"
        return
    again = f"encours connect {source.key}"
    entity = name.partition("__")[2]
    if entity:
        again += f" --entity {entity}"
    try:
        access = accesses.make_access(
            name,
            host=fields["host"],
            login=fields["login"],
            password=fields["password"],
            extra=fields["extra"],
        )
        application = source.application(access)
    except EncoursError as error:
        yield str(error), again
        return
    given = {
        "host": access.base_url,
        "login": access.login,
        "password": access.secret,
        **access.options,
    }
    missing = [
        field.name for field in source.connection if field.is_required and not given.get(field.name)
    ]
    if missing:
        yield f"{name} lacks {some(missing)}", again
    if application is not None:
        yield from _token_faults(installation, name, json.loads(fields["extra"] or "{}"), again)


def _token_faults(
    installation: Installation, name: str, extra: dict[str, Any], again: str
) -> Iterator[tuple[str, str]]:
    expires_at = extra.get("expires_at")
    late = installation.now - datetime.fromisoformat(expires_at) if expires_at else timedelta(0)
    is_given = accesses.variable_of(name) in installation.environment
    if is_given and extra.get("access_token"):
        if late > timedelta(0):
            yield f"the access token of {name} has expired, and is not renewed there", again
    elif not extra.get("refresh_token"):
        yield f"{name} was never authorised", again
    elif late > RENEWAL_PATIENCE:
        yield f"the tokens of {name} have not been renewed for {late.days} days", again


def _cipher(installation: Installation) -> MultiFernet | None:
    key = known_fernet_key(installation.settings, installation.environment)
    try:
        return MultiFernet([Fernet(part.strip()) for part in key.split(",")]) if key else None
    except ValueError:
        return None


def _opened(cipher: MultiFernet | None, row: dict[str, Any]) -> dict[str, str | None] | None:
    """The secret fields of a stored connection in plain; None where the key does not fit."""
    plain: dict[str, str | None] = {}
    for name, is_encrypted in (
        ("password", row["is_encrypted"]),
        ("extra", row["is_extra_encrypted"]),
    ):
        text = row[name]
        if text and is_encrypted:
            if cipher is None:
                return None
            try:
                text = cipher.decrypt(text.encode()).decode()
            except InvalidToken:
                return None
        plain[name] = text
    return plain


def _rows(connection: psycopg.Connection, query: LiteralString) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, []).fetchall()


CHECKS = (
    Check("services", running_services),
    Check("DAG files", dag_files),
    Check("plugins", plugin_files),
)
METADATA_CHECKS = (
    DatabaseCheck("heartbeat", heartbeat),
    DatabaseCheck("DAG imports", import_errors),
    DatabaseCheck("paused DAGs", paused_dags),
    DatabaseCheck("connection key", fernet_key),
    DatabaseCheck("connections", connections),
)
