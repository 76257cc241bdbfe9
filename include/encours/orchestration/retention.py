"""For how long what is no longer needed stays, in days, chosen by the installation.

What is needed stays whatever its age: raw, publications and what proves them, the newest complete
landing of each stream (maintenance.py, warehouse/history.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from encours.errors import BadInput

VARIABLES = {
    "landing_days": "ENCOURS_KEEP_LANDING_DAYS",
    "run_days": "ENCOURS_KEEP_RUN_DAYS",
    "history_days": "ENCOURS_KEEP_HISTORY_DAYS",
    "airflow_days": "ENCOURS_KEEP_AIRFLOW_DAYS",
}


@dataclass(frozen=True)
class Retention:
    """Each is set by its variable.

    `landing_days`: delivered files and answers; raw holds what they say, so they serve to show what
    was delivered. Ninety days outlast a quarter's closing.
    `run_days`: logs and dbt's files of a run, Airflow's logs of its tasks.
    `history_days`: what ops tells of runs that published nothing, of readings, and of checks of
    publications that are no longer kept; a year and a month compare a closing with the last one.
    `airflow_days`: Airflow's own record of runs and events.
    """

    landing_days: int = 90
    run_days: int = 60
    history_days: int = 400
    airflow_days: int = 90


def read_retention(environment: Mapping[str, str] | None = None) -> Retention:
    """BadInput where a number of days cannot be read."""
    given = os.environ if environment is None else environment
    chosen = {}
    for name, variable in VARIABLES.items():
        text = given.get(variable, "").strip()
        if text:
            if not text.isdecimal() or not 1 <= int(text) <= 36_500:
                raise BadInput(
                    f"'{text}' is no number of days",
                    where=variable,
                    mend="a whole number from 1",
                )
            chosen[name] = int(text)
    return Retention(**chosen)
