"""Airflow inside the home: its environment and its metadata databases.

Airflow reads its configuration when it is imported, so the environment is complete before that.

The services of `encours up` share one metadata database on the warehouse's server. A run in process
gets a small one of its own in its folder: a scheduler that works on the same home would otherwise
take the run's tasks for its own, answer its asset events with a second build, and resume a killed
run days later.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from encours.errors import BadInput, FatalError
from encours.orchestration.turns import reading_pool
from encours.settings import Settings, project_root
from encours.sources.registry import API_SOURCES
from encours.warehouse.connections import Warehouse, connect
from encours.warehouse.embedded import home_lock, keep_secret, read_secret

USERS_VARIABLE = "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"
ADMIN_ALONE = "admin:admin"
# Those of Airflow's simple auth manager, from the one that only looks to the one that may all.
ROLES = ("viewer", "user", "op", "admin")
FERNET_SECRET = "airflow_fernet"
FERNET_VARIABLE = "AIRFLOW__CORE__FERNET_KEY"


def airflow_environment(settings: Settings, warehouse: Warehouse, port: int = 0) -> dict[str, str]:
    """Every variable that makes an Airflow service work on this home, secrets included."""
    metadata = warehouse.metadata_url.split("://", 1)[1]
    environment = {
        **_common_environment(settings),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{metadata}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{metadata}",
        # Two ingests, one build and the maintenance at once; each worker costs about 35 MB.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        USERS_VARIABLE: ",".join(f"{name}:{role}" for name, role in ui_users(os.environ).items()),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(users_file(settings)),
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret(settings, "airflow_jwt"),
        "AIRFLOW__API__SECRET_KEY": _secret(settings, "airflow_api"),
        # The API server compiles its routes at the first request, which took 16 s on a busy
        # machine; with the default of 5 s the first task failed.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        # After a kill, a task that no longer reports is tried again after this; default 300.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
        # Workers are forked from a process that has imported what tasks need. It serves this home's
        # scheduler alone, and ends with it and its workers.
        "AIRFLOW__SCHEDULER__MP_START_METHOD": "forkserver",
        "AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD": "encours.orchestration.preloaded",
        # DAG files change with an upgrade only. Parsing them every 30 s, the default, took a tenth
        # of a core; a file that has changed is read within `refresh_interval` all the same.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__PRINT_STATS_INTERVAL": "0",
    }
    if port:
        environment["AIRFLOW__API__PORT"] = str(port)
        environment["AIRFLOW__API__HOST"] = "127.0.0.1"
        environment["AIRFLOW__API__BASE_URL"] = f"http://127.0.0.1:{port}"
        environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = (
            f"http://127.0.0.1:{port}/execution/"
        )
        # One browser, one machine: the default of one worker per core costs memory for nothing.
        environment["AIRFLOW__API__WORKERS"] = "1"
    return environment


def run_environment(settings: Settings, database: Path) -> dict[str, str]:
    """Every variable that makes Airflow work in this process, on a metadata file of its own."""
    return {
        **_common_environment(settings),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"sqlite+aiosqlite:///{database}",
    }


def prepare_airflow(settings: Settings, warehouse: Warehouse) -> None:
    """Make the services' metadata database current, with a pool for each accounting system.

    Airflow works in a process of its own, because it prints. It takes seconds, so a mark in the
    home remembers for which version of Airflow and of the database it was done.
    """
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    mark = _mark(settings)
    if _read(mark) == _metadata_version(warehouse):
        return
    with home_lock(settings):
        if _read(mark) == _metadata_version(warehouse):
            return
        _migrate(settings, warehouse)
        _make_pools(warehouse)
        mark.write_text(_metadata_version(warehouse))


def has_services(settings: Settings) -> bool:
    """Whether Airflow's services have a metadata database of this home, running or not."""
    return _mark(settings).exists()


def prepare_run(settings: Settings, folder: Path) -> Path:
    """Set this process's environment and make the metadata file of one run in its folder.

    Making one takes seconds, so the home keeps an empty one to copy.
    """
    database = folder / "airflow.db"
    os.environ.update(run_environment(settings, database))
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    empty = settings.airflow_home / f"empty-{version('apache-airflow-core')}.db"
    if empty.exists():
        _copy_database(empty, database)
        return database
    from airflow.utils.db import initdb

    initdb()
    draft = empty.with_name(f"{empty.name}.{os.getpid()}")
    _copy_database(database, draft)
    os.replace(draft, empty)
    return database


def ui_users(environment: Mapping[str, str]) -> dict[str, str]:
    """Who may sign in to Airflow's UI, with which role: Airflow's own setting, else `admin`."""
    users = {}
    for entry in (environment.get(USERS_VARIABLE) or ADMIN_ALONE).split(","):
        name, _, role = (part.strip() for part in entry.partition(":"))
        if not name or role.lower() not in ROLES:
            raise BadInput(
                f"'{entry.strip()}' is no user with a role",
                where=USERS_VARIABLE,
                mend=f"NAME:ROLE, several with commas; a role is {', '.join(ROLES)}",
            )
        users[name] = role.lower()
    return users


def ui_passwords(settings: Settings, users: Iterable[str]) -> dict[str, str]:
    """The users' passwords, made on first use and kept in the home: Airflow would make them too,
    and write them to its log."""
    path = users_file(settings)
    known = json.loads(path.read_text()) if path.exists() else {}
    made = {name: secrets.token_urlsafe(15) for name in users if name not in known}
    if made:
        keep_secret(settings, path.name, json.dumps({**known, **made}))
    return {name: str({**known, **made}[name]) for name in users}


def users_file(settings: Settings) -> Path:
    return settings.secrets_dir / "airflow_users.json"


def _common_environment(settings: Settings) -> dict[str, str]:
    root = project_root()
    environment = {
        "ENCOURS_HOME": str(settings.home),
        "ENCOURS_LANGUAGE": settings.language,
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        FERNET_VARIABLE: _fernet_key(settings, os.environ),
        # Logs quote what a source delivered. The defaults let the whole group write them.
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FOLDER_PERMISSIONS": "0o700",
        "AIRFLOW__LOGGING__FILE_TASK_HANDLER_NEW_FILE_PERMISSIONS": "0o600",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.airflow_home / "logs"),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "GX_ANALYTICS_ENABLED": "False",
        "DO_NOT_TRACK": "1",
    }
    if settings.warehouse_url:
        environment["ENCOURS_WAREHOUSE"] = settings.warehouse_url
    return environment


def _migrate(settings: Settings, warehouse: Warehouse) -> None:
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    log_path = settings.logs_dir / "airflow-migrate.log"
    with open(log_path, "ab") as log:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env={**os.environ, **airflow_environment(settings, warehouse)},
            # `-m` puts the working folder first on the import path: not the caller's.
            cwd=settings.airflow_home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise FatalError(f"Airflow's metadata database cannot be made: see {log_path}")


def _make_pools(warehouse: Warehouse) -> None:
    """One slot each. A pool that is there keeps what a person made of it."""
    with connect(warehouse.metadata_url) as connection, connection.transaction():
        connection.cursor().executemany(
            "insert into slot_pool (pool, slots, description, include_deferred)"
            " values (%s, 1, %s, false) on conflict (pool) do nothing",
            [
                (reading_pool(source.key), f"readings of {source.title} at once")
                for source in API_SOURCES.values()
            ],
        )


def _metadata_version(warehouse: Warehouse) -> str:
    """Airflow's version, the revision that the database says it has, and which pools it was given:
    a source that is registered later gets its own."""
    with connect(warehouse.metadata_url) as connection:
        row = connection.execute("select to_regclass('alembic_version')::text").fetchone()
        revision = None
        if row is not None and row[0] is not None:
            revision = connection.execute("select version_num from alembic_version").fetchone()
    pools = ",".join(sorted(API_SOURCES))
    return f"{version('apache-airflow-core')} {revision[0] if revision else 'none'} {pools}"


def _copy_database(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _mark(settings: Settings) -> Path:
    return settings.airflow_home / "metadata_version"


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _secret(settings: Settings, name: str) -> str:
    known = read_secret(settings, name)
    if known is None:
        known = secrets.token_urlsafe(64)
        keep_secret(settings, name, known)
    return known


def known_fernet_key(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """The key of Airflow's store: what a server installation gives this home, else one of its own;
    None where none was made yet."""
    given = environment.get(FERNET_VARIABLE)
    if given and environment.get("AIRFLOW_HOME") == str(settings.airflow_home):
        return given
    kept = read_secret(settings, FERNET_SECRET)
    return _fernet_of(kept) if kept else None


def _fernet_key(settings: Settings, environment: Mapping[str, str]) -> str:
    known = known_fernet_key(settings, environment)
    return known or _fernet_of(_secret(settings, FERNET_SECRET))


def _fernet_of(secret: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).decode()
