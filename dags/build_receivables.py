"""Build, audit and publish the receivables marts whenever a source brought something."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task

from encours.orchestration import asked, build, lineage
from encours.orchestration.assets import ANY_RAW, MARTS
from encours.orchestration.defaults import START_DATE, defaults, guarded
from encours.settings import load_settings
from encours.transform.dbt import Build


def build_of(request: dict[str, Any]) -> Build:
    """The build that open_build described, as it travels between tasks."""
    return Build(
        run_id=request["run_id"],
        as_of_date=date.fromisoformat(request["as_of_date"]),
        known_on=datetime.fromisoformat(request["known_on"]),
    )


@dag(
    schedule=ANY_RAW,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    # A build of 200,000 documents takes minutes; one that is still at it after four hours hangs.
    dagrun_timeout=timedelta(hours=4),
    default_args=defaults(),
    tags=["build", "marts"],
    doc_md="""
    ### Build the receivables marts

    **Purpose** Turn what is in raw into checked, published marts.

    **Inputs** `raw_*`; conf (all optional): `run_id`, `as_of_date`, `known_on`, and
    `is_full` (true: work out every month end anew, take none over from what is published).

    **Outputs** schema `marts` (by swap, in one transaction), `ops.run`, `ops.check_result`,
    `ops.verdict`, `ops.publication`, the asset `marts/receivables`.

    **Rerun** Clear from `open_build`: the candidate is built anew. Nothing that BI reads changes
    before `publish_marts`.

    **Hold** `publish_marts` fails when the gate holds the run; BI keeps the last good marts.
    `encours status` says why. A controller decides: mend the books and load them again, or
    `encours release RUN --reason TEXT`, or the page Encours of this UI.

    **What goes wrong** A check fails because the books changed for a reason (a new entity, a large
    contract) or because they are wrong; an exchange rate is missing; the disk is full; a person
    runs a build by hand at the same time, which the build lock refuses.

    **How to see it** The red task names the step: `audit_candidate` is the machine, red
    `publish_marts` is the gate. `encours status` shows the checks with both numbers and sample
    keys; `runs/RUN/dbt.log` what dbt said; `grep -rh "encours.step run_id=RUN" airflow/logs` when
    each step ended.

    **What to press** After a fault of the machine: clear `open_build` with what follows. After a
    hold: nothing here; mend the books and deliver them again, or release. For a past date:
    `encours rebuild --as-of DATE --schema NAME`, which leaves what is published alone. Every figure
    worked out anew: trigger with `{"is_full": true}`.

    **Whom it concerns** A hold: the controller of the entity. A red step before it: data
    engineering. BI readers only see that the figures are those of the last publication.
    """,
)
def build_receivables() -> None:
    @task
    def name_run() -> dict[str, Any]:
        conf = get_current_context()["dag_run"].conf or {}
        as_of_date = asked.day(conf.get("as_of_date"), "as_of_date")
        known_on = asked.moment(conf.get("known_on"), "known_on")
        return {
            "run_id": asked.run_id(conf),
            "as_of_date": as_of_date.isoformat() if as_of_date else None,
            "known_on": known_on.isoformat() if known_on else None,
            "is_full": asked.flag(conf, "is_full"),
        }

    @task
    @guarded
    def open_build(request: dict[str, Any]) -> dict[str, Any]:
        opened = build.open_build(
            load_settings(),
            build.Request(
                run_id=request["run_id"],
                as_of_date=asked.day(request["as_of_date"], "as_of_date"),
                known_on=asked.moment(request["known_on"], "known_on"),
                is_full=request["is_full"],
            ),
        )
        return {
            "run_id": opened.run_id,
            "as_of_date": opened.as_of_date.isoformat(),
            "known_on": opened.known_on.isoformat(),
        }

    @task
    @guarded
    def build_canonical(request: dict[str, Any]) -> dict[str, int]:
        return build.build_layer(load_settings(), build_of(request), "canonical")

    @task
    @guarded
    def build_core(request: dict[str, Any]) -> dict[str, int]:
        return build.build_layer(load_settings(), build_of(request), "core")

    @task
    @guarded
    def build_marts(request: dict[str, Any]) -> dict[str, int]:
        return build.build_layer(load_settings(), build_of(request), "marts")

    @task
    @guarded
    def audit_candidate(request: dict[str, Any]) -> None:
        build.audit_candidate(load_settings(), build_of(request))

    @task
    @guarded
    def decide_publication(request: dict[str, Any]) -> str:
        return build.decide_publication(load_settings(), request["run_id"])

    @task(outlets=[MARTS])
    @guarded
    def publish_marts(request: dict[str, Any]) -> str:
        publication_id = build.publish_marts(load_settings(), request["run_id"])
        get_current_context()["outlet_events"][MARTS].extra = {
            "as_of_date": request["as_of_date"],
            "publication_id": publication_id,
        }
        lineage.report_publication(load_settings())
        return publication_id

    request = open_build(request=name_run())
    (
        build_canonical(request=request)
        >> build_core(request=request)
        >> build_marts(request=request)
        >> audit_candidate(request=request)
        >> decide_publication(request=request)
        >> publish_marts(request=request)
    )


build_receivables()
