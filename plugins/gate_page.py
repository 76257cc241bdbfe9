"""The gate page in Airflow's UI: its place in the navigation, a link from `publish_marts`, and who
may do what there, as Airflow's auth manager decides.

Every process of Airflow loads plugins, each task too: what serves pages is imported when the API
server serves the first one.
"""

from __future__ import annotations

import functools
from typing import Any

from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import BaseOperatorLink

# Who may read this DAG may read the page, and who may trigger that one may release and roll back.
READ_DAG = "build_receivables"
DECIDE_DAG = "release_held"
ROUTE = "encours-gate"


class AirflowAccess:
    """Users and rights are those of the auth manager that Airflow is configured with."""

    async def visitor(self, request: Any) -> Any:
        from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
        from starlette.concurrency import run_in_threadpool
        from starlette.exceptions import HTTPException

        from encours.gate_page.access import NotSignedIn, Visitor

        try:
            user = await get_user(request, None, await bearer_scheme(request))
        except HTTPException as error:
            raise NotSignedIn from error
        return Visitor(
            user_id=str(user.get_id()),
            name=str(user.get_name()),
            may_read=await run_in_threadpool(_may, request, user, "GET", READ_DAG),
            may_decide=await run_in_threadpool(_may, request, user, "POST", DECIDE_DAG),
        )

    def login_path(self, request: Any, back_to: str) -> str:
        from urllib.parse import quote

        del request
        return f"{_root()}api/v2/auth/login?next={quote(back_to, safe='')}"


def _may(request: Any, user: Any, method: Any, dag_id: str) -> bool:
    from airflow.api_fastapi.core_api.security import DagAccessEntity, requires_access_dag
    from starlette.exceptions import HTTPException

    try:
        requires_access_dag(method, DagAccessEntity.RUN, dag_id)(request, user)
    except HTTPException:
        return False
    return True


def _root() -> str:
    """The path that Airflow answers at, ending with a slash."""
    from airflow.api_fastapi.app import API_ROOT_PATH

    return str(API_ROOT_PATH)


def _announce(published: Any) -> None:
    from encours.orchestration.announcement import register

    register(published.publication_id, published.as_of_date)


@functools.cache
def _page() -> Any:
    from airflow.api_fastapi.auth.tokens import get_signing_key

    from encours.gate_page.app import make_app
    from encours.gate_page.home_gate import HomeGate
    from encours.settings import load_settings

    settings = load_settings()
    return make_app(
        HomeGate(settings, _announce),
        AirflowAccess(),
        signing_key=get_signing_key("api", "secret_key"),
        language=settings.language,
    )


async def serve(scope: Any, receive: Any, send: Any) -> None:
    await _page()(scope, receive, send)


class GateLink(BaseOperatorLink):
    """From the task that publishes to what the gate found in its run."""

    name = "Encours"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        del operator
        if (ti_key.dag_id, ti_key.task_id) != (READ_DAG, "publish_marts"):
            return ""
        from urllib.parse import quote

        run_id = _encours_run(ti_key)
        query = f"?run={quote(run_id, safe='')}" if run_id else ""
        return f"{_root()}plugin/{ROUTE}/encours/gate{query}"


def _encours_run(ti_key: Any) -> str | None:
    """The run of Encours that a DAG run is, as its first task named it."""
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    with create_session() as session:
        # The row, not the value: that is what Airflow deserialises.
        named = session.execute(
            XComModel.get_many(
                run_id=ti_key.run_id, key="return_value", dag_ids=READ_DAG, task_ids="name_run"
            ).with_only_columns(XComModel.value)
        ).first()
    request = XComModel.deserialize_value(named) if named is not None else None
    return request.get("run_id") if isinstance(request, dict) else None


class EncoursGatePlugin(AirflowPlugin):
    name = "encours_gate"
    fastapi_apps = [{"app": serve, "url_prefix": "/encours", "name": "Encours"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Encours",
            # Without a slash before it: relative to where Airflow answers.
            "href": "encours/gate",
            "destination": "nav",
            "url_route": ROUTE,
            "nav_top_level": True,
        }
    ]
    global_operator_extra_links = [GateLink()]  # noqa: RUF012
