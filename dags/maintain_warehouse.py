"""Keep the warehouse small and quick."""

from __future__ import annotations

from airflow.sdk import dag, task

from encours.orchestration import maintenance
from encours.orchestration.defaults import RECOVERY, START_DATE, defaults, guarded
from encours.settings import load_settings


@dag(
    schedule="30 3 * * *",
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    default_args=defaults(),
    tags=["maintenance"],
    doc_md="""
    ### Maintain the warehouse

    **Purpose** Drop marts retired by later publications, old run folders and landing folders
    beyond their retention, and vacuum what grows.

    **Inputs** The home and its warehouse.

    **Outputs** Free space. The last publications stay for `encours rollback`; raw is never
    touched; the newest landing folder of each source always stays.

    **Rerun** At any time. A retired schema that a reader still uses is left for the next day.

    **Hold** Nothing is published here.
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

    @task(on_success_callback=RECOVERY)
    @guarded
    def vacuum_tables() -> None:
        maintenance.vacuum(load_settings())

    drop_retired_marts() >> delete_old_folders() >> vacuum_tables()


maintain_warehouse()
