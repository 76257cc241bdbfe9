"""Runs the DAG objects in this process: what `encours run` does, with no scheduler.

The DAGs and tasks are those that the scheduler runs. Airflow, dbt and Great Expectations are slow
to import, so dbt's process and the suites' library are warmed up while something else is waited
for.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from encours.allocator import collect_seldom, share_arenas
from encours.errors import FatalError
from encours.orchestration.accesses import copy_stored
from encours.orchestration.airflow_home import prepare_run
from encours.settings import Settings, project_root
from encours.transform import dbt
from encours.warehouse.connections import open_warehouse

Progress = Callable[[str], None]


def run_dags(
    settings: Settings,
    confs: list[tuple[str, Mapping[str, Any]]],
    log_path: Path,
    progress: Progress,
) -> None:
    """Run these DAGs one after the other, until one does not succeed. Logs go to `log_path`."""
    share_arenas()
    collect_seldom()
    with _output_to(log_path):
        warehouse = open_warehouse(settings)
        dbt.warm_up(settings, warehouse.pipeline_url)
        database = prepare_run(settings, log_path.parent)
        copy_stored(settings, database)
        try:
            _run_all(confs, progress)
        finally:
            # What a person asks later is in the ledger and in the log.
            database.unlink(missing_ok=True)


def _run_all(confs: list[tuple[str, Mapping[str, Any]]], progress: Progress) -> None:
    os.environ["AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT"] = "300"
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=str(project_root() / "dags"))
    if bag.import_errors:
        name, error = next(iter(bag.import_errors.items()))
        raise FatalError(f"{Path(name).name} cannot be loaded: {error.splitlines()[-1]}")
    for dag_id, conf in confs:
        if not _run(bag.dags[dag_id], conf, progress):
            return


def _run(dag: Any, conf: Mapping[str, Any], progress: Progress) -> bool:
    for task in dag.tasks:
        # A person is waiting: a passing fault is reported at once, not slept on.
        task.retries = 0
        task.pre_execute = _announced(dag.dag_id, task.task_id, progress)
    run = dag.test(run_conf=dict(conf))
    return str(run.state) == "success"


def _announced(dag_id: str, task_id: str, progress: Progress) -> Callable[[Any], None]:
    # Of a task in a group its own name; of a step of ingestion also which source it is about.
    step = task_id.rpartition(".")[2].replace("_", " ")
    source = dag_id.removeprefix("ingest_") if dag_id.startswith("ingest_") else ""

    def announce(_context: Any) -> None:
        progress(f"{source}: {step}" if source else step)
        if task_id == "build_canonical":
            # dbt works in its own process now; the suites' library is imported meanwhile.
            threading.Thread(target=_import_suites, daemon=True).start()

    return announce


def _import_suites() -> None:
    from encours.quality.checkpoint import import_library

    import_library()


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send everything that libraries print to the run's log; the caller keeps its own streams."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for descriptor in (log, *kept):
            os.close(descriptor)
