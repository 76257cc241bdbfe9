"""One ingest DAG per registered source: the variation is data (encours.sources.registry)."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from encours.orchestration import inbox_files, ingest
from encours.orchestration.assets import INBOX, RAW
from encours.orchestration.defaults import START_DATE, defaults, guarded
from encours.orchestration.failures import read_failure
from encours.orchestration.run_ids import new_run_id
from encours.settings import load_settings
from encours.sources.registry import SOURCES, Source


def make_ingest(source: Source) -> Any:
    """The DAG `ingest_<source>`."""

    @dag(
        dag_id=f"ingest_{source.key}",
        doc_md=f"""
        ### Ingest: {source.title}

        **Purpose** Land what was delivered, unchanged, and load it into `raw_{source.key}`.

        **Inputs** Files in the home's inbox, or the run's conf: `inputs` (paths), `run_id`.

        **Outputs** `landing/{source.key}/`, `raw_{source.key}`, one row per attempt in
        `ops.extraction`, refused rows in `ops.rejected_row`, the asset `raw/{source.key}`.

        **Rerun** Clear the task, or drop the file again: a file that is already loaded changes
        nothing. An input that cannot be used moves to `inbox/refused/<run>/` with a REASON.txt;
        where something else failed (the database, the disk), it stays in the inbox.

        **Hold** This DAG publishes nothing; `build_receivables` decides.
        """,
        schedule=[INBOX[source.key]],
        start_date=START_DATE,
        catchup=False,
        max_active_runs=1,
        default_args=defaults(),
        tags=["ingest", source.key],
    )
    def ingest_source() -> None:
        @task
        def name_run() -> dict[str, Any]:
            context = get_current_context()
            conf = context["dag_run"].conf or {}
            if "inputs" in conf:
                return {
                    "run_id": conf["run_id"],
                    "inputs": list(conf["inputs"]),
                    "is_demo": bool(conf.get("is_demo")),
                    "from_inbox": bool(conf.get("from_inbox")),
                }
            events = context["triggering_asset_events"].values()
            waiting = inbox_files.announced_inputs(
                inbox_files.waiting_inputs(load_settings(), source.key),
                [event.extra for of_asset in events for event in of_asset],
            )
            if not waiting:
                raise AirflowSkipException("the inbox holds nothing for this source")
            return {
                "run_id": new_run_id(),
                "inputs": [str(path) for path in waiting],
                "is_demo": False,
                "from_inbox": True,
            }

        @task
        @guarded
        def land_delivery(request: dict[str, Any]) -> str:
            return ingest.land(load_settings(), source.key, request["run_id"], request["inputs"])

        @task(outlets=[RAW[source.key]])
        @guarded
        def load_raw(request: dict[str, Any], folder: str) -> dict[str, Any]:
            loaded = ingest.load(
                load_settings(),
                source.key,
                request["run_id"],
                folder,
                is_demo=request["is_demo"],
            )
            facts = {"run_id": loaded.run_id, "row_count": loaded.row_count}
            get_current_context()["outlet_events"][RAW[source.key]].extra = facts
            return {**facts, "refused_count": loaded.refused_count}

        @task
        def clear_inbox(request: dict[str, Any] | None, loaded: dict[str, Any] | None) -> None:
            if not request or not request["from_inbox"]:
                return
            settings = load_settings()
            inbox_files.clear(
                settings,
                request["inputs"],
                request["run_id"],
                is_loaded=bool(loaded),
                failure=read_failure(settings, request["run_id"]),
            )

        request = name_run()
        folder = land_delivery(request=request)
        # A teardown runs whatever happened before, and does not make a failed run look successful.
        loaded = load_raw(request=request, folder=folder)
        loaded >> clear_inbox(request=request, loaded=loaded).as_teardown()

    return ingest_source()


for registered in SOURCES.values():
    make_ingest(registered)
