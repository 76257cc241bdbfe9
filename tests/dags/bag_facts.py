"""Prints, as one JSON object, what Airflow sees in dags/ and plugins/: run in a process of its own.

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
    plugins = _plugins()
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(dag_folder=folder)
    facts = {
        "import_errors": dict(bag.import_errors),
        "connections": connections,
        "plugins": plugins,
        "dags": {dag_id: _dag(dag) for dag_id, dag in bag.dags.items()},
    }
    print(json.dumps(facts))


def _plugins() -> dict[str, Any]:
    """What plugins/ registers, and which packages come with it."""
    import airflow.sdk  # noqa: F401
    from airflow import plugins_manager

    before = set(sys.modules)
    plugins_manager.ensure_plugins_loaded()
    loaded = {name.split(".")[0] for name in set(sys.modules) - before}
    apps, _ = plugins_manager.get_fastapi_plugins()
    views = {
        info["name"]: info["external_views"]
        for info in plugins_manager.get_plugin_info(["external_views"])
    }
    return {
        "import_errors": plugins_manager.get_import_errors(),
        "packages": sorted(loaded),
        "prefixes": [app["url_prefix"] for app in apps],
        "views": views["encours_gate"],
        "links": [link.name for link in plugins_manager.get_global_operator_extra_links()],
    }


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
        "deadlines": [
            {
                "reference": alert.reference.reference_name,
                "hours": alert.interval.total_seconds() / 3600,
                "callback": alert.callback.path,
                "kwargs": alert.callback.kwargs,
            }
            for alert in _listed(dag.deadline)
        ],
        "tasks": {task.task_id: _task(task) for task in dag.tasks},
    }


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found] if found else []


def _schedule(schedule: Any) -> Any:
    """Assets by name, in the words of the schedule: `any` of them, or `all`."""
    if schedule is None or isinstance(schedule, str):
        return schedule
    if isinstance(schedule, list | tuple):
        return {"all": [asset.name for asset in schedule]}
    if type(schedule).__name__ == "CronTriggerTimetable":
        return f"{schedule.expression} {schedule.timezone}"
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
        "tells_of_failure": [type(one).__name__ for one in task.on_failure_callback],
        "trigger_rule": task.trigger_rule.value,
        "is_teardown": task.is_teardown,
        "downstream": sorted(task.downstream_task_ids),
        "outlets": [asset.name for asset in task.outlets],
    }


if __name__ == "__main__":
    main(sys.argv[1])
