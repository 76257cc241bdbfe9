"""Events of the asset `marts/receivables`, for whoever waits for new marts in Airflow.

What a task of the scheduler publishes is an event because the asset is the task's outlet. What is
published otherwise is announced here: by the page, by `encours release` and `encours rollback`, and
by `encours run`, whose tasks have a metadata file of their own. A publication stands if it cannot
be announced.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from datetime import date

from encours.errors import EncoursError
from encours.orchestration.airflow_home import airflow_environment, has_services
from encours.settings import Settings
from encours.warehouse.connections import open_warehouse

log = logging.getLogger(__name__)
# encours.orchestration.assets.MARTS: a command has no need of the SDK.
MARTS = "marts/receivables"
PATIENCE_SECONDS = 300.0


def facts(publication_id: str, as_of_date: date) -> dict[str, str]:
    """What the event tells."""
    return {"as_of_date": as_of_date.isoformat(), "publication_id": publication_id}


def announce(settings: Settings, publication_id: str, as_of_date: date) -> None:
    """From a command, whose process has no Airflow, or one with another metadata database. Does
    nothing where Airflow's services have never worked in this home: nobody waits there."""
    if not has_services(settings):
        return
    try:
        environment = airflow_environment(settings, open_warehouse(settings))
        subprocess.run(
            [sys.executable, "-m", __name__, publication_id, as_of_date.isoformat()],
            # Not what says that this process works for a task, which may not ask that database.
            env={
                **{
                    name: value
                    for name, value in os.environ.items()
                    if not name.startswith("_AIRFLOW")
                },
                **environment,
            },
            # `-m` puts the working folder first on the import path: not the caller's.
            cwd=settings.airflow_home,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
    except (EncoursError, OSError, subprocess.SubprocessError):
        log.warning("%s is published, but was not announced to Airflow", publication_id)


def register(publication_id: str, as_of_date: date) -> None:
    """The event, in a process that Airflow's services share their metadata database with. It is
    what Airflow's REST API does when it is asked for one."""
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session

    with create_session() as session:
        marts = session.query(AssetModel).filter(AssetModel.name == MARTS).one_or_none()
        if marts is not None:
            asset_manager.register_asset_change(
                asset=marts,
                extra=facts(publication_id, as_of_date),
                source_is_api=True,
                session=session,
            )


if __name__ == "__main__":
    register(sys.argv[1], date.fromisoformat(sys.argv[2]))
