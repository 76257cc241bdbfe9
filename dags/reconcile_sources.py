"""Read every connected API whole once a week, which finds what was deleted without a trace."""

from __future__ import annotations

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import dag

from encours.orchestration.defaults import RECOVERY, START_DATE, defaults
from encours.sources.registry import API_SOURCES


@dag(
    schedule="0 1 * * 0",
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=defaults(),
    tags=["ingest", "reconcile"],
    doc_md="""
    ### Reconcile the sources

    **Purpose** Some systems (Odoo, Dolibarr, Sage 100, Sage Intacct) delete without telling: only
    the comparison of all keys shows it. Once a week every connected company is read whole.

    **Inputs** The connections of each `ingest_<source>`.

    **Outputs** A run of each `ingest_<source>` with conf `is_full`: what is gone is marked deleted
    in raw, as a new fact with its own time; nothing is removed.

    **Rerun** Clear the task, or start the run of one source by hand with `{"is_full": true}`.

    **Hold** This DAG publishes nothing; `build_receivables` decides.
    """,
)
def reconcile_sources() -> None:
    for key in API_SOURCES:
        TriggerDagRunOperator(
            task_id=f"read_all_of_{key}",
            trigger_dag_id=f"ingest_{key}",
            conf={"is_full": True},
            on_success_callback=RECOVERY,
        )


reconcile_sources()
