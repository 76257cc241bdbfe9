"""The shape of every DAG: tasks, edges, what starts it and what it announces."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.xdist_group("dags")

INGEST = {
    "name_run": ["clear_inbox", "land_delivery", "load_raw"],
    "land_delivery": ["load_raw"],
    "load_raw": ["clear_inbox"],
    "clear_inbox": [],
}
READ = {
    "list_connections": ["company.land_company", "company.load_raw"],
    "company.land_company": ["company.load_raw"],
    "company.load_raw": [],
}
APIS = (
    "cegid_loop",
    "dolibarr",
    "erpnext",
    "odoo",
    "pennylane",
    "quickbooks",
    "sage_100",
    "sage_accounting",
    "sage_intacct",
    "xero",
)
# open_build hands its dates to every later step; the steps follow each other.
GRAPHS = {
    "ingest_fec": INGEST,
    "ingest_files": INGEST,
    **{f"ingest_{key}": READ for key in APIS},
    "reconcile_sources": {"list_sources": ["read_all_of"], "read_all_of": []},
    "build_receivables": {
        "name_run": ["open_build"],
        "open_build": [
            "audit_candidate",
            "build_canonical",
            "build_core",
            "build_marts",
            "decide_publication",
            "publish_marts",
        ],
        "build_canonical": ["build_core"],
        "build_core": ["build_marts"],
        "build_marts": ["audit_candidate"],
        "audit_candidate": ["decide_publication"],
        "decide_publication": ["publish_marts"],
        "publish_marts": [],
    },
    "release_held": {"read_request": ["release_candidate"], "release_candidate": []},
    "maintain_warehouse": {
        "delete_old_folders": [],
        "trim_logs": [],
        "drop_retired_marts": ["vacuum_tables"],
        "prune_history": ["vacuum_tables"],
        "clean_airflow": ["vacuum_tables"],
        "vacuum_tables": [],
    },
    "watch_publication": {"wait_for_publication": []},
}
SCHEDULES = {
    "ingest_fec": {"all": ["inbox/fec"]},
    "ingest_files": {"all": ["inbox/files"]},
    # Before the working day; on Sundays whole.
    **{f"ingest_{key}": "15 3 * * *" for key in APIS},
    "reconcile_sources": "0 1 * * 0",
    "build_receivables": {"any": ["raw/fec", "raw/files", *(f"raw/{key}" for key in APIS)]},
    "release_held": None,
    "maintain_warehouse": "30 2 * * *",
    "watch_publication": "0 5 * * * Europe/Paris",
}
OUTLETS = {
    "ingest_fec.load_raw": ["raw/fec"],
    "ingest_files.load_raw": ["raw/files"],
    **{f"ingest_{key}.company.load_raw": [f"raw/{key}"] for key in APIS},
    "build_receivables.publish_marts": ["marts/receivables"],
    "release_held.release_candidate": ["marts/receivables"],
}


@pytest.mark.parametrize("dag_id", sorted(GRAPHS))
def test_graph_is_the_one_agreed(bag: dict[str, Any], dag_id: str) -> None:
    tasks = bag["dags"][dag_id]["tasks"]

    assert {name: task["downstream"] for name, task in tasks.items()} == GRAPHS[dag_id]


@pytest.mark.parametrize("dag_id", sorted(SCHEDULES))
def test_dag_starts_when_its_inputs_arrive(bag: dict[str, Any], dag_id: str) -> None:
    assert bag["dags"][dag_id]["schedule"] == SCHEDULES[dag_id]


def test_assets_are_announced_by_the_last_step_that_makes_them(bag: dict[str, Any]) -> None:
    announced = {
        f"{dag_id}.{task_id}": task["outlets"]
        for dag_id, dag in bag["dags"].items()
        for task_id, task in dag["tasks"].items()
        if task["outlets"]
    }

    assert announced == OUTLETS


def test_publication_runs_only_after_the_verdict_of_the_same_run(bag: dict[str, Any]) -> None:
    tasks = bag["dags"]["build_receivables"]["tasks"]

    assert "publish_marts" in tasks["decide_publication"]["downstream"]
    assert tasks["publish_marts"]["trigger_rule"] == "all_success"


def test_only_the_inbox_is_cleared_whatever_happened_before(bag: dict[str, Any]) -> None:
    unconditional = {
        f"{dag_id}.{task_id}"
        for dag_id, dag in bag["dags"].items()
        for task_id, task in dag["tasks"].items()
        if task["trigger_rule"] != "all_success"
    }

    assert unconditional == {"ingest_fec.clear_inbox", "ingest_files.clear_inbox"}


def test_run_whose_load_failed_is_a_failed_run(bag: dict[str, Any]) -> None:
    """A run ends like its last tasks: one that runs in any case must be a teardown."""
    hiding = [
        f"{dag_id}.{task_id}"
        for dag_id, dag in bag["dags"].items()
        for task_id, task in dag["tasks"].items()
        if task["trigger_rule"] != "all_success" and not task["is_teardown"]
    ]

    assert hiding == []
