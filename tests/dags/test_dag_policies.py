"""What every DAG must state, whoever writes the next one."""

from __future__ import annotations

from typing import Any

import pytest

from encours.sources.registry import API_SOURCES

pytestmark = pytest.mark.xdist_group("dags")

DOC_PARTS = (
    *("Purpose", "Inputs", "Outputs", "Rerun", "Hold"),
    *("What goes wrong", "How to see it", "What to press", "Whom it concerns"),
)


def dags_where(bag: dict[str, Any], breaks_the_rule: Any) -> list[str]:
    assert bag["dags"]
    return [dag_id for dag_id, dag in bag["dags"].items() if breaks_the_rule(dag)]


def tasks_where(bag: dict[str, Any], breaks_the_rule: Any) -> list[str]:
    assert all(dag["tasks"] for dag in bag["dags"].values())
    return [
        f"{dag_id}.{task_id}"
        for dag_id, dag in bag["dags"].items()
        for task_id, task in dag["tasks"].items()
        if breaks_the_rule(task)
    ]


@pytest.mark.parametrize("part", DOC_PARTS)
def test_every_dag_documents(bag: dict[str, Any], part: str) -> None:
    assert dags_where(bag, lambda dag: f"**{part}** " not in dag["doc"]) == []


def test_every_dag_has_an_owner_of_its_own(bag: dict[str, Any]) -> None:
    assert dags_where(bag, lambda dag: dag["owner"] in ("", "airflow")) == []
    assert tasks_where(bag, lambda task: task["owner"] in ("", "airflow")) == []


def test_no_dag_catches_up(bag: dict[str, Any]) -> None:
    assert dags_where(bag, lambda dag: dag["catchup"] is not False) == []


def test_every_dag_runs_once_at_a_time(bag: dict[str, Any]) -> None:
    assert dags_where(bag, lambda dag: dag["max_active_runs"] != 1) == []


def test_every_dag_is_tagged(bag: dict[str, Any]) -> None:
    assert dags_where(bag, lambda dag: not dag["tags"]) == []


def test_dags_start_from_a_fixed_date_or_wait_for_their_hour(bag: dict[str, Any]) -> None:
    """A new home reads what is connected at once; it has nothing to reconcile or to clean yet."""
    starts = {dag_id: dag["start_date"] for dag_id, dag in bag["dags"].items()}

    waiting = ("maintain_warehouse", "reconcile_sources", "watch_publication")
    assert {starts.pop(dag_id) for dag_id in waiting} == {None}
    assert set(starts.values()) == {"2026-01-01T00:00:00+00:00"}


def test_every_task_is_bounded_in_time(bag: dict[str, Any]) -> None:
    assert tasks_where(bag, lambda task: not 0 < (task["timeout_seconds"] or 0) <= 7200) == []


def test_every_run_is_bounded_in_time(bag: dict[str, Any]) -> None:
    limit = 3 * 86_400

    assert dags_where(bag, lambda dag: not 0 < (dag["timeout_seconds"] or 0) <= limit) == []


def test_every_task_is_tried_again_by_the_kind_of_its_error(bag: dict[str, Any]) -> None:
    rules = [
        ("encours.errors.RetryableError", "retry"),
        ("encours.errors.EncoursError", "fail"),
    ]

    assert (
        tasks_where(bag, lambda task: [tuple(rule) for rule in task["retry_rules"]] != rules) == []
    )


def test_every_failure_is_told_but_that_of_a_release_which_somebody_waits_for(
    bag: dict[str, Any],
) -> None:
    silent = tasks_where(bag, lambda task: task["tells_of_failure"] != ["AlertNotifier"])

    assert {name.partition(".")[0] for name in silent} == {"release_held"}


def test_publication_of_the_day_has_a_deadline_that_tells_people(bag: dict[str, Any]) -> None:
    found = {dag_id: dag["deadlines"] for dag_id, dag in bag["dags"].items() if dag["deadlines"]}

    assert found == {
        "watch_publication": [
            {
                "reference": "DagRunLogicalDateDeadline",
                "hours": 2.0,
                "callback": "encours.orchestration.notifier.AlertNotifier",
                "kwargs": {"event": "late"},
            }
        ]
    }


def test_retries_are_bounded_and_a_release_is_never_repeated(bag: dict[str, Any]) -> None:
    retries = {
        dag_id: {task["retries"] for task in dag["tasks"].values()}
        for dag_id, dag in bag["dags"].items()
    }

    assert retries.pop("release_held") == {0}
    assert all(found == {3} for found in retries.values())


def test_a_task_that_reads_a_system_takes_a_slot_of_its_pool_and_no_other_does(
    bag: dict[str, Any],
) -> None:
    pools = {
        f"{dag_id}.{task_id}": task["pool"]
        for dag_id, dag in bag["dags"].items()
        for task_id, task in dag["tasks"].items()
        if task["pool"] != "default_pool"
    }

    assert pools == {f"ingest_{key}.company.land_company": f"read_{key}" for key in API_SOURCES}
