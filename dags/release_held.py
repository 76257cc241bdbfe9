"""Publish a held run on a person's word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task

from encours.errors import FatalError
from encours.orchestration import announcement, asked, control, lineage
from encours.orchestration.assets import MARTS
from encours.orchestration.defaults import START_DATE, defaults, guarded
from encours.orchestration.run_ids import PATTERN
from encours.settings import load_settings
from encours.warehouse.publication import Publication


@dag(
    schedule=None,
    start_date=START_DATE,
    catchup=False,
    max_active_runs=1,
    # It renames two schemas: what is not done in half an hour waits for a lock that nobody frees.
    dagrun_timeout=timedelta(minutes=30),
    # Whoever presses sees at once what came of it.
    default_args={**defaults(owner="controllers"), "retries": 0, "on_failure_callback": None},
    params={
        "run_id": Param("", type="string", pattern=f"^{PATTERN}$", title="Run that is held"),
        "reason": Param("", type="string", minLength=3, title="Why it may be published"),
    },
    tags=["publication"],
    doc_md="""
    ### Release a held run

    **Purpose** Publish the candidate that the gate held, when a controller has judged it right.

    **Inputs** `run_id`, `reason`; who decides is who triggers it.

    **Outputs** schema `marts`, a verdict row and a publication row with who and why.

    **Rerun** Once per run: a run that is published, or whose candidate a later run replaced, is
    refused in one line.

    **Hold** The controller decides; `encours status` and the page Encours of this UI, which can
    release too, show the checks with their two numbers.

    **What goes wrong** The run is not held (any more): a later run replaced its candidate; a build
    is at work and has the lock.

    **How to see it** The task says it in one line; `encours status` names the run that is held.

    **What to press** Trigger again with the run that `encours status` names, after the build ended.
    Released by mistake: `encours rollback --reason TEXT`.

    **Whom it concerns** The controller who decides, and those who read the figures: the reason
    stays in `ops.publication`.
    """,
)
def release_held() -> None:
    @task
    def read_request() -> dict[str, Any]:
        params = get_current_context()["params"]
        return {"run_id": asked.run_id(params), "reason": params["reason"]}

    @task(outlets=[MARTS])
    @guarded
    def release_candidate(request: dict[str, Any]) -> str:
        context = get_current_context()
        event = context["outlet_events"][MARTS]
        # What Airflow knows: a name in the request could be anybody's.
        decider = context["dag_run"].triggering_user_name
        if not decider:
            raise FatalError("Airflow does not say who triggered this run: sign in and trigger it")

        def announce(published: Publication) -> None:
            event.extra = announcement.facts(published.publication_id, published.as_of_date)

        published = control.release(
            load_settings(),
            request["run_id"],
            released_by=decider,
            reason=request["reason"],
            announce=announce,
        )
        lineage.report_publication(load_settings())
        return published.publication_id

    release_candidate(request=read_request())


release_held()
