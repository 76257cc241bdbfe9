"""Tell people when the marts are not published by the time of day that they wait for."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import (
    AsyncCallback,
    CronTriggerTimetable,
    DeadlineAlert,
    DeadlineReference,
    dag,
    get_current_context,
    task,
)

from encours.orchestration import deadlines
from encours.orchestration.defaults import START_DATE, defaults
from encours.orchestration.notifier import AlertNotifier
from encours.settings import load_settings

SETTINGS = load_settings()
ZONE = deadlines.earliest_zone(SETTINGS.time_zones, START_DATE)
POKE_SECONDS = 300.0


@dag(
    schedule=CronTriggerTimetable(deadlines.watch_cron(SETTINGS.publish_by), timezone=ZONE)
    if SETTINGS.publish_by
    else None,
    # Without a first date: a new home has missed nothing this morning.
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=4),
    default_args=defaults(),
    tags=["publication", "alerts"],
    deadline=DeadlineAlert(
        name="published",
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=deadlines.WATCH,
        callback=AsyncCallback(AlertNotifier, kwargs={"event": "late"}),
    ),
    doc_md="""
    ### Watch the publication of the day

    **Purpose** A night in which nothing fails and nothing is published tells nobody: this run waits
    for the publication of the day, and its deadline (`ENCOURS_PUBLISH_BY`, 07:00) tells people when
    it has not come. Where entities live in several zones (`ENCOURS_TIME_ZONES`), the zone furthest
    east counts, whose morning comes first.

    **Inputs** `ops.publication`. A home that reads no API has no schedule to keep and is not
    watched.

    **Outputs** An incident of kind `freshness`, told on the channels of the home; the next
    publication ends it.

    **What goes wrong** The warehouse does not answer: the look is tried again, and the deadline
    tells people all the same. A publication that comes after the last look but before the deadline
    is found when the deadline asks: nobody is told in vain.

    **How to see it** `encours alert`; the deadline stands beside the run in Airflow's UI.

    **What to press** `encours status` says which source or check is behind it: mend that, then
    `encours run`, or start `ingest_<source>`.

    **Whom it concerns** Whoever reads the figures in the morning, and the data engineers.

    **Rerun** Not needed. `ENCOURS_PUBLISH_BY=never` switches it off.

    **Hold** This DAG publishes nothing; whoever is told looks into `encours status`.
    """,
)
def watch_publication() -> None:
    @task.sensor(
        mode="reschedule",
        poke_interval=POKE_SECONDS,
        # A little longer than the deadline, which is missed while the run waits.
        timeout=deadlines.WATCH.total_seconds() + 2 * POKE_SECONDS,
        soft_fail=True,
    )
    def wait_for_publication() -> bool:
        begun = get_current_context()["logical_date"]
        deadline = begun.astimezone(ZoneInfo(ZONE)) + deadlines.WATCH
        return deadlines.is_done(load_settings(), deadline)

    wait_for_publication()


watch_publication()
