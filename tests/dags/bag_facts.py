"""Prints, as one JSON object, what Airflow sees in dags/: run in a process of its own.

Airflow reads its configuration when it is imported, and it must be seen that loading the DAGs
needs neither the home nor a database: the home does not exist, and connections are noted.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main(folder: str) -> None:
    connections: list[str] = []
    sys.addaudithook(lambda event, arguments: _note(connections, event, arguments))
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=folder)
    facts = {
        "import_errors": dict(bag.import_errors),
        "connections": connections,
        "dags": {dag_id: _dag(dag) for dag_id, dag in bag.dags.items()},
    }
    print(json.dumps(facts))


def _note(connections: list[str], event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        connections.append(str(arguments[1]))


def _dag(dag: Any) -> dict[str, Any]:
    return {
        "owner": dag.owner,
        "doc": dag.doc_md or "",
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "tags": sorted(dag.tags),
        "timeout_seconds": dag.dagrun_timeout.total_seconds() if dag.dagrun_timeout else None,
        "start_date": dag.start_date.isoformat() if dag.start_date else None,
        "schedule": _schedule(dag.schedule),
        "tasks": {task.task_id: _task(task) for task in dag.tasks},
    }


def _schedule(schedule: Any) -> Any:
    """Assets by name, in the words of the schedule: `any` of them, or `all`."""
    if schedule is None or isinstance(schedule, str):
        return schedule
    if isinstance(schedule, list | tuple):
        return {"all": [asset.name for asset in schedule]}
    word = {"AssetAny": "any", "AssetAll": "all"}[type(schedule).__name__]
    return {word: [asset.name for asset in schedule.objects]}


def _task(task: Any) -> dict[str, Any]:
    timeout = task.execution_timeout
    return {
        "operator": type(task).__name__,
        "owner": task.owner,
        "retries": task.retries,
        "pool": task.pool,
        "timeout_seconds": timeout.total_seconds() if timeout else None,
        "retry_rules": [
            (rule.exception_path, rule.action.value)
            for rule in getattr(task.retry_policy, "rules", ())
        ],
        "trigger_rule": task.trigger_rule.value,
        "is_teardown": task.is_teardown,
        "downstream": sorted(task.downstream_task_ids),
        "outlets": [asset.name for asset in task.outlets],
    }


if __name__ == "__main__":
    main(sys.argv[1])
