"""Airflow inside the home: its environment and its metadata database.

Airflow reads its configuration when it is imported, so the environment is complete before that.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import MutableMapping
from pathlib import Path

from encours.errors import FatalError
from encours.settings import Settings, project_root
from encours.warehouse.connections import Warehouse, parse_url
from encours.warehouse.embedded import home_lock, keep_secret, read_secret

ADMIN = "admin"


def airflow_environment(settings: Settings, warehouse: Warehouse, port: int = 0) -> dict[str, str]:
    """Every variable that makes an Airflow process work on this home, secrets included."""
    root = project_root()
    metadata = warehouse.metadata_url.split("://", 1)[1]
    environment = {
        "ENCOURS_HOME": str(settings.home),
        "ENCOURS_LANGUAGE": settings.language,
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__FERNET_KEY": _fernet_key(settings),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(
            settings.secrets_dir / "airflow_users.json"
        ),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{metadata}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{metadata}",
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret(settings, "airflow_jwt"),
        "AIRFLOW__API__SECRET_KEY": _secret(settings, "airflow_api"),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.airflow_home / "logs"),
        "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "GX_ANALYTICS_ENABLED": "False",
        "DO_NOT_TRACK": "1",
    }
    if settings.warehouse_url:
        environment["ENCOURS_WAREHOUSE"] = settings.warehouse_url
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


def prepare_airflow(
    settings: Settings, warehouse: Warehouse, environment: MutableMapping[str, str] | None = None
) -> None:
    """Set the environment of this process and make the metadata database current.

    Migrating imports most of Airflow, so a mark in the home remembers for which version and
    database it was done.
    """
    env = os.environ if environment is None else environment
    env.update(airflow_environment(settings, warehouse))
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    mark = settings.airflow_home / "metadata_version"
    wanted = _metadata_version(warehouse)
    if _read(mark) == wanted:
        return
    with home_lock(settings):
        if _read(mark) == wanted:
            return
        _migrate()
        mark.write_text(wanted)


def admin_password(settings: Settings) -> str:
    """The password of Airflow's `admin`, made on first use and kept in the home."""
    import json

    path = settings.secrets_dir / "airflow_users.json"
    if path.exists():
        return str(json.loads(path.read_text())[ADMIN])
    password = secrets.token_urlsafe(15)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump({ADMIN: password}, file)
    return password


def _migrate() -> None:
    from airflow.utils.db import initdb

    try:
        initdb()
    except Exception as error:
        raise FatalError(f"Airflow's metadata database cannot be made: {error}") from error


def _metadata_version(warehouse: Warehouse) -> str:
    from importlib.metadata import version

    target = parse_url(warehouse.metadata_url)
    place = hashlib.sha256(f"{target.user}@{target.database}".encode()).hexdigest()[:12]
    return f"{version('apache-airflow-core')} {place}"


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _secret(settings: Settings, name: str) -> str:
    known = read_secret(settings, name)
    if known is None:
        known = secrets.token_urlsafe(32)
        keep_secret(settings, name, known)
    return known


def _fernet_key(settings: Settings) -> str:
    digest = hashlib.sha256(_secret(settings, "airflow_fernet").encode()).digest()
    return base64.urlsafe_b64encode(digest).decode()
