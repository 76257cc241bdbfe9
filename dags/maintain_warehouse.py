"""Keep the warehouse small and quick."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task

from encours.orchestration import maintenance
from encours.orchestration.defaults import RECOVERY, defaults, guarded
from encours.orchestration.timetable import schedule_of
from encours.settings import load_settings


@dag(
    schedule=schedule_of("maintain_warehouse"),
    catchup=False,
    max_active_runs=1,
    # A vacuum that is still at it when people come to work is in their way; the next night goes on.
    dagrun_timeout=timedelta(hours=4),
    default_args=defaults(),
    tags=["maintenance"],
    doc_md="""
    ### Maintain the warehouse

    **Purpose** Drop marts retired by later publications, folders, logs and history beyond their
    retention, and Airflow's own record of long ago; vacuum what grows.

    **Inputs** The home and its warehouse; `ENCOURS_KEEP_LANDING_DAYS` (90), `ENCOURS_KEEP_RUN_DAYS`
    (60), `ENCOURS_KEEP_HISTORY_DAYS` (400), `ENCOURS_KEEP_AIRFLOW_DAYS` (90).

    **Outputs** Free space. What stays whatever its age: raw, publications with their runs and
    verdicts, the last three retired marts for `encours rollback`, the newest complete landing of
    each stream, refused rows.

    **Rerun** At any time. A retired schema that a reader still uses is left for the next day.

    **Hold** Nothing is published here.

    **What goes wrong** A report holds a retired schema for days; the disk is full before the night;
    Airflow's database is busy and its cleaning times out.

    **How to see it** `encours doctor` (retired marts, transactions, disk); the task's log names
    what was deleted; `logs/airflow-clean.log`.

    **What to press** Clear the failed task, or start the DAG by hand; close the session that the
    doctor names.

    **Whom it concerns** Data engineering; nobody who reads figures.
    """,
)
def maintain_warehouse() -> None:
    @task
    @guarded
    def drop_retired_marts() -> list[str]:
        return maintenance.drop_retired_marts(load_settings())

    @task
    @guarded
    def delete_old_folders() -> list[str]:
        return maintenance.delete_old_folders(load_settings())

    @task
    @guarded
    def trim_logs() -> list[str]:
        return maintenance.trim_logs(load_settings())

    @task
    @guarded
    def prune_history() -> dict[str, int]:
        return maintenance.prune_history(load_settings())

    @task
    @guarded
    def clean_airflow() -> None:
        maintenance.clean_airflow(load_settings())

    @task(on_success_callback=RECOVERY)
    @guarded
    def vacuum_tables() -> None:
        maintenance.vacuum(load_settings())

    # Folders and logs wait for nothing; a vacuum gives back what was deleted before it.
    delete_old_folders()
    trim_logs()
    [drop_retired_marts(), prune_history(), clean_airflow()] >> vacuum_tables()


maintain_warehouse()
