"""One ingest DAG per registered source: the variation is data (encours.sources.registry).

Files are delivered, so their DAG lands and loads what lies in the inbox; an API is asked, so its
DAG reads each company that a connection opens.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

from encours.orchestration import accesses, asked, extract, inbox_files, ingest, lineage
from encours.orchestration.assets import INBOX, RAW
from encours.orchestration.defaults import RECOVERY, START_DATE, defaults, guarded, is_waited_for
from encours.orchestration.failures import read_failure
from encours.orchestration.run_ids import new_run_id
from encours.orchestration.timetable import schedule_of
from encours.orchestration.turns import reading_pool
from encours.settings import load_settings
from encours.sources.registry import API_SOURCES, FILE_SOURCES
from encours.sources.source import ApiSource, FileSource


def make_file_ingest(source: FileSource) -> Any:
    """The DAG `ingest_<source>` of what is delivered as files."""

    @dag(
        dag_id=f"ingest_{source.key}",
        doc_md=f"""
        ### Ingest: {source.title}

        **Purpose** Land what was delivered, unchanged, and load it into `raw_{source.key}`.

        **Inputs** Files in the home's inbox: all that wait, or those that the run's conf names
        (`inputs`, paths in the inbox; `run_id`).

        **Outputs** `landing/{source.key}/`, `raw_{source.key}`, one row per attempt in
        `ops.extraction`, refused rows in `ops.rejected_row`, the asset `raw/{source.key}`.

        **Rerun** Clear the task, or drop the file again: a file that is already loaded changes
        nothing. An input that cannot be used moves to `inbox/refused/<run>/` with a REASON.txt;
        where something else failed (the database, the disk), it stays in the inbox.

        **Hold** This DAG publishes nothing; `build_receivables` decides.

        **What goes wrong** The file is not what its name says, is cut off or is encoded otherwise;
        a row cannot be used; the same year is delivered twice with other entries.

        **How to see it** `inbox/refused/<run>/REASON.txt` says file, line and what;
        `encours check-fec FILE` says all of it at once; `ops.rejected_row` holds refused rows.

        **What to press** Mend the file and drop it again; a late delivery of a past period is
        dropped like any other: the build that follows works out every date that it changes.

        **Whom it concerns** Whoever exported the file; data engineering where the disk or the
        database is named.
        """,
        schedule=[INBOX[source.key]],
        start_date=START_DATE,
        catchup=False,
        max_active_runs=1,
        # Millions of lines load in minutes; the next delivery waits behind this one.
        dagrun_timeout=timedelta(hours=4),
        default_args=defaults(),
        tags=["ingest", source.key],
    )
    def ingest_source() -> None:
        @task
        def name_run() -> dict[str, Any]:
            context = get_current_context()
            conf = context["dag_run"].conf or {}
            if "inputs" in conf:
                inputs, from_inbox = asked.texts(conf, "inputs"), asked.flag(conf, "from_inbox")
                # Who may trigger may not therefore read, or move, any file of the machine.
                if from_inbox or not is_waited_for():
                    inbox_files.check_inside(load_settings(), inputs)
                return {
                    "run_id": asked.run_id(conf),
                    "inputs": inputs,
                    "is_demo": asked.flag(conf, "is_demo"),
                    "from_inbox": from_inbox,
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

        @task(outlets=[RAW[source.key]], on_success_callback=RECOVERY)
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
            lineage.report_load(load_settings(), source.key)
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


def make_api_ingest(source: ApiSource) -> Any:
    """The DAG `ingest_<source>` of what is read through an API."""

    @dag(
        dag_id=f"ingest_{source.key}",
        doc_md=f"""
        ### Ingest: {source.title}

        **Purpose** Read what changed in the books of each connected company, land it unchanged, and
        load it into `raw_{source.key}`.

        **Inputs** The Airflow connections `encours_{source.key}` and `encours_{source.key}__ENTITY`
        (`encours connect {source.key}`); the run's conf, all optional: `run_id`, `connections`
        (ids), `is_full` (true: read everything again, which also finds what was deleted).

        **Outputs** `landing/{source.key}/`, `raw_{source.key}`, one row per stream and attempt in
        `ops.extraction`, which counts while it runs, the asset `raw/{source.key}`.

        **Rerun** Clear the task: it reads from the last loaded moment again; what is known already
        adds nothing. One company that fails does not keep the others from being loaded.

        **Limits** Reading takes the one slot of the pool `read_{source.key}`, and the lock of its
        connection, so that no two runs ask one system at once; what one run asked counts in the
        vendor's limit for the next one.

        **Hold** This DAG publishes nothing; `build_receivables` decides.

        **What goes wrong** The key was changed or the authorisation ran out (401, 403); the vendor
        is down or its quota is used up; the books were closed while they were read, so that rows
        and control total differ (`incomplete`, nothing is loaded).

        **How to see it** The mapped task bears the connection's name; `encours status` lists each
        stream; `encours doctor` names connections that lack something or have expired.

        **What to press** `encours connect {source.key}` for a refused key; nothing for a quota or
        a vendor that is down: the task comes again by itself. To read past changes that were
        missed, trigger with `{{"is_full": true}}`: it reads whole and finds what is gone.

        **Whom it concerns** The administrator of the accounting system for keys; data engineering
        for the rest. The figures stay those of the last reading, and their freshness says so.
        """,
        schedule=schedule_of(source.key),
        start_date=START_DATE,
        catchup=False,
        max_active_runs=1,
        # The first reading of many years may use up a daily quota and go on the day after.
        dagrun_timeout=timedelta(days=3),
        default_args=defaults(),
        tags=["ingest", source.key],
    )
    def ingest_source() -> None:
        @task
        def list_connections() -> list[dict[str, Any]]:
            conf = get_current_context()["dag_run"].conf or {}
            settings = load_settings()
            run_id = asked.run_id(conf)
            names = asked.connections(conf, accesses.configured(settings).get(source.key, []))
            if not names:
                raise AirflowSkipException(f"no connection: encours connect {source.key}")
            return [
                {
                    "run_id": run_id,
                    "connection_id": name,
                    "is_full": asked.flag(conf, "is_full"),
                    "is_demo": asked.flag(conf, "is_demo"),
                }
                for name in names
            ]

        # Each company is a chain of its own.
        @task_group
        def company(request: dict[str, Any]) -> None:
            @task(map_index_template="{{ connection_id }}", pool=reading_pool(source.key))
            @guarded
            def land_company(request: dict[str, Any]) -> str:
                get_current_context()["connection_id"] = request["connection_id"]
                settings = load_settings()
                access = accesses.read_access(settings, request["connection_id"])
                return extract.land_company(
                    settings,
                    extract.Reading(request["run_id"], source, access, request["is_full"]),
                )

            @task(
                outlets=[RAW[source.key]],
                map_index_template="{{ connection_id }}",
                on_success_callback=RECOVERY,
            )
            @guarded
            def load_raw(request: dict[str, Any], folder: str) -> dict[str, Any]:
                context = get_current_context()
                context["connection_id"] = request["connection_id"]
                loaded = extract.load_company(
                    load_settings(), source, request["run_id"], folder, is_demo=request["is_demo"]
                )
                facts = {"run_id": loaded.run_id, "row_count": loaded.row_count}
                context["outlet_events"][RAW[source.key]].extra = facts
                lineage.report_load(load_settings(), source.key)
                return facts

            load_raw(request=request, folder=land_company(request=request))

        company.expand(request=list_connections())

    return ingest_source()


for delivered in FILE_SOURCES.values():
    make_file_ingest(delivered)
for read in API_SOURCES.values():
    make_api_ingest(read)
