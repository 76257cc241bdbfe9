"""Nothing is published by the deadline: under a live scheduler people are told, once.

Its metrics go to OpenTelemetry, those of the scheduler in tests/e2e to StatsD. The watch begins two
hours before the time of day that people wait for. Here its run is dated so that the two hours end a
moment from now.

make soak
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from receivers import telemetry_receiver
from scheduled_home import ScheduledHome, running, wait_for

from alert_receivers import Receiver, web_receiver
from encours.orchestration.deadlines import WATCH

pytestmark = pytest.mark.soak

Collector = tuple[str, list[tuple[str, bytes]]]
MOMENT = timedelta(seconds=20)
INCIDENTS = b"select kind, closed_at is null from ops.incident"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with web_receiver() as made:
        yield made


@pytest.fixture
def collector() -> Iterator[Collector]:
    with telemetry_receiver() as made:
        yield made


@pytest.fixture
def watched(receiver: Receiver, collector: Collector) -> Iterator[ScheduledHome]:
    """A home that reads a system by schedule, from which nothing has come."""
    variables = {
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector[0],
        "AIRFLOW_CONN_ENCOURS_ODOO": '{"conn_type": "http", "host": "http://127.0.0.1:9"}',
        "ENCOURS_SCHEDULES": "odoo=off",
        "ENCOURS_LANGUAGE": "en",
    }
    channels = f"channels:\n  hook: json://{receiver.place}/token\n"
    with running(variables=variables, channels=channels) as home:
        yield home


@pytest.mark.timeout(1800)
def test_missed_deadline_is_told_once_by_a_live_scheduler(
    watched: ScheduledHome, receiver: Receiver, collector: Collector
) -> None:
    wait_for(lambda: "watch_publication" in dag_ids(watched), "the DAGs to be read")
    deadline = datetime.now(UTC) + MOMENT

    watched.post("dags/watch_publication/dagRuns", {"logical_date": (deadline - WATCH).isoformat()})

    (told,) = wait_for(lambda: receiver.contents, "the message")
    seconds = (datetime.now(UTC) - deadline).total_seconds()
    print(f"\ntold {seconds:.0f} s after the deadline: {told['title']}")
    assert seconds >= 0
    assert watched.rows(INCIDENTS) == [("freshness", True)]
    time.sleep(30)  # What is told once is not told again by the next look at the deadline.
    assert receiver.contents == [told]
    # Each process sends what it counted once a minute.
    wait_for(lambda: "scheduler_heartbeat" in metrics_of(collector), "a heartbeat")


def metrics_of(collector: Collector) -> str:
    bodies = [body for path, body in collector[1] if path == "/v1/metrics"]
    return b"".join(bodies).decode(errors="replace")


def dag_ids(home: ScheduledHome) -> set[str]:
    return {dag["dag_id"] for dag in home.get("dags", limit=100)["dags"]}
