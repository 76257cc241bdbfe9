"""When the DAGs that wait for no asset start: cron expressions in UTC, chosen by the installation.

`ENCOURS_SCHEDULES="odoo=0 4 * * 1-5; xero=off; maintain_warehouse=0 2 * * *"` replaces the defaults
of those it names. `encours up` refuses what cannot be read, so that no DAG file fails over it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from encours.errors import BadInput
from encours.sources.registry import API_SOURCES

VARIABLE = "ENCOURS_SCHEDULES"
OFF = "off"
# Before the working day; what was deleted without a trace is looked for once a week, at night.
DEFAULTS: Mapping[str, str] = {
    **{source.key: source.schedule for source in API_SOURCES.values()},
    "reconcile_sources": "0 1 * * 0",
    "maintain_warehouse": "30 2 * * *",
}


def schedule_of(name: str) -> str | None:
    """The cron expression of a source or DAG; None where it is started by hand only."""
    chosen = {**DEFAULTS, **chosen_schedules(os.environ)}[name]
    return None if chosen == OFF else chosen


def chosen_schedules(environment: Mapping[str, str]) -> dict[str, str]:
    """What the installation chose instead of the defaults. BadInput where it cannot be read."""
    entries = [part.strip() for part in environment.get(VARIABLE, "").split(";") if part.strip()]
    chosen = {}
    for entry in entries:
        name, is_given, expression = (part.strip() for part in entry.partition("="))
        if not is_given or not expression:
            raise BadInput(
                f"'{entry}' names no schedule", where=VARIABLE, mend="write odoo=15 3 * * *"
            )
        if name not in DEFAULTS:
            raise BadInput(
                f"'{name}' has no schedule", where=VARIABLE, mend=f"one of {', '.join(DEFAULTS)}"
            )
        chosen[name] = expression
    return chosen


def check_schedules(environment: Mapping[str, str]) -> int:
    """How many were chosen. BadInput names the one that Airflow could not read."""
    from croniter import croniter  # type: ignore[import-untyped]

    chosen = chosen_schedules(environment)
    for name, expression in chosen.items():
        if expression != OFF and not croniter.is_valid(expression):
            raise BadInput(
                f"{name}: '{expression}' is no cron expression",
                where=VARIABLE,
                mend="minute hour day month weekday, in UTC, or off",
            )
    return len(chosen)
