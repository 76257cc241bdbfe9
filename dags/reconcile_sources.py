"""Read every connected API whole once a week, which finds what was deleted without a trace."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException

from encours.orchestration import accesses
from encours.orchestration.defaults import RECOVERY, defaults
from encours.orchestration.timetable import schedule_of
from encours.settings import load_settings


@dag(
    schedule=schedule_of("reconcile_sources"),
    catchup=False,
    max_active_runs=1,
    # It only starts other DAGs.
    dagrun_timeout=timedelta(hours=1),
    default_args=defaults(),
    tags=["ingest", "reconcile"],
    doc_md="""
    ### Reconcile the sources

    **Purpose** Some systems (Odoo, Dolibarr, Sage 100, Sage Intacct) delete without telling: only
    the comparison of all keys shows it. Once a week every connected company is read whole.

    **Inputs** The connections of each `ingest_<source>`.

    **Outputs** A run of each `ingest_<source>` that has a connection, with conf `is_full`: what is
    gone is marked deleted in raw, as a new fact with its own time; nothing is removed.

    **Rerun** Clear the task, or start the run of one source by hand with `{"is_full": true}`.

    **Hold** This DAG publishes nothing; `build_receivables` decides.

    **What goes wrong** Little: it starts other runs. A whole reading takes longer than a nightly
    one and may use up the vendor's quota of the day.

    **How to see it** The runs of `ingest_<source>` with `is_full` in their conf.

    **What to press** Nothing; next week comes. A source that must not be read whole on that day:
    another `reconcile_sources` in `ENCOURS_SCHEDULES`.

    **Whom it concerns** Data engineering.
    """,
)
def reconcile_sources() -> None:
    @task
    def list_sources() -> list[dict[str, Any]]:
        connected = accesses.configured(load_settings())
        if not connected:
            raise AirflowSkipException("no connection: encours connect SOURCE")
        return [{"trigger_dag_id": f"ingest_{key}"} for key in connected]

    TriggerDagRunOperator.partial(
        task_id="read_all_of",
        conf={"is_full": True},
        map_index_template="{{ task.trigger_dag_id }}",
        on_success_callback=RECOVERY,
    ).expand_kwargs(list_sources())


reconcile_sources()
