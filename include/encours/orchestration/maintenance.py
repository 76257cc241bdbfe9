"""Housekeeping of a home: retired marts, old folders and logs, the history of operations, Airflow's
own record, vacuum. What is needed stays, whatever its age."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from encours.errors import RetryableError
from encours.landing.store import MANIFEST
from encours.orchestration.airflow_home import airflow_environment
from encours.orchestration.retention import read_retention
from encours.settings import Settings
from encours.warehouse import history, publication
from encours.warehouse.connections import connect, open_warehouse
from encours.warehouse.ownership import claim_warehouse

# A landing that is still being written is younger than any task may last.
UNFINISHED = timedelta(days=1)
LOG_BYTES_KEPT = 20_000_000
CLEANING_SECONDS = 3600.0


def drop_retired_marts(settings: Settings) -> list[str]:
    claim_warehouse(settings)
    with connect(open_warehouse(settings).pipeline_url) as connection:
        return publication.drop_retired(connection)


def delete_old_folders(settings: Settings, now: datetime | None = None) -> list[str]:
    """Delete the folders of runs, landings and Airflow's task logs that are beyond their days."""
    retention, moment = read_retention(), now or datetime.now(UTC)
    runs = moment - timedelta(days=retention.run_days)
    landings = moment - timedelta(days=retention.landing_days)
    old = [
        *_older(settings.runs_dir.glob("*"), runs),
        *_older(settings.airflow_home.glob("logs/dag_id=*/run_id=*"), runs),
        *_old_landings(settings, landings),
        *_older(settings.landing_dir.glob("*/*/*.partial"), moment - UNFINISHED),
    ]
    for folder in old:
        shutil.rmtree(folder)
    return [str(folder) for folder in old]


def _old_landings(settings: Settings, before: datetime) -> Iterator[Path]:
    """Of each stream or entity, but for the newest one that is complete."""
    for place in sorted(settings.landing_dir.glob("*/*")):
        complete = sorted(path.parent for path in place.glob(f"run=*/{MANIFEST}"))
        yield from _older(complete[:-1], before)


def _older(folders: Iterable[Path], before: datetime) -> Iterator[Path]:
    for folder in sorted(folders):
        if folder.is_dir() and folder.stat().st_mtime < before.timestamp():
            yield folder


def trim_logs(settings: Settings, limit: int = LOG_BYTES_KEPT) -> list[str]:
    """Put what is in a large log of a service aside as `.1`; the service goes on writing to it."""
    trimmed = []
    for path in sorted(settings.logs_dir.glob("*.log")):
        if path.stat().st_size > limit:
            shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)
            trimmed.append(path.name)
    return trimmed


def prune_history(settings: Settings, now: datetime | None = None) -> dict[str, int]:
    """Rows that the ledger lost, by table."""
    claim_warehouse(settings)
    moment = now or datetime.now(UTC)
    with connect(open_warehouse(settings).pipeline_url) as connection:
        return history.prune_history(
            connection, moment - timedelta(days=read_retention().history_days)
        )


def clean_airflow(settings: Settings, now: datetime | None = None) -> None:
    """Delete Airflow's record of long ago with its own command, which a task may not call in its
    own process: tasks have no access to that database."""
    before = (now or datetime.now(UTC)) - timedelta(days=read_retention().airflow_days)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("_AIRFLOW")},
        **airflow_environment(settings, open_warehouse(settings)),
    }
    settings.logs_dir.mkdir(parents=True, exist_ok=True)
    path = settings.logs_dir / "airflow-clean.log"
    with open(path, "ab") as log:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "airflow", "db", "clean", "--yes", "--skip-archive"),
                *("--clean-before-timestamp", before.isoformat()),
            ],
            env=environment,
            # `-m` puts the working folder first on the import path: not the caller's.
            cwd=settings.airflow_home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=CLEANING_SECONDS,
            check=False,
        )
    if done.returncode:
        raise RetryableError(f"Airflow's own record could not be cleaned: see {path}")


def vacuum(settings: Settings) -> None:
    """Both databases: raw and ops grow, Airflow's rows come and go."""
    warehouse = open_warehouse(settings)
    for url in (warehouse.pipeline_url, warehouse.metadata_url):
        with connect(url, autocommit=True) as connection:
            connection.execute("vacuum (analyze)")
