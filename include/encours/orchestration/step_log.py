"""One line in the log per step of a run, wherever the step works: names and counts, nothing else.

    encours.step run_id=20260105T060000-a1b2c3 step=build_core status=done seconds=3.2 rows=18234

It is the event of a JSON line in the task's log, so one grep over `airflow/logs` and `runs` of the
home tells a run from beginning to end.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar

from encours.clients.rate_limits import QuotaReached
from encours.errors import QualityHold

R = TypeVar("R")

log = logging.getLogger("encours.steps")
MARK = "encours.step"


class Step:
    """What a step tells of itself while it works."""

    def __init__(self) -> None:
        self.rows: int | None = None

    def ends_with(self, result: R) -> R:
        """Count the rows that the result speaks of, and hand it on."""
        self.rows = row_count(result)
        return result


@contextmanager
def logged_step(name: str, request: Mapping[str, Any]) -> Iterator[Step]:
    """Write the step's line when it ends, however it ends."""
    step = Step()
    status, error = "done", None
    started = monotonic()
    try:
        yield step
    except BaseException as raised:
        status, error = status_of(raised), type(raised).__name__
        raise
    finally:
        facts = {
            "run_id": request["run_id"],
            "step": name,
            "connection": request.get("connection_id"),
            "status": status,
            "seconds": f"{monotonic() - started:.1f}",
            "rows": step.rows,
            "error": error,
        }
        log.log(logging.INFO if error is None else logging.WARNING, line_of(facts))


def line_of(facts: Mapping[str, Any]) -> str:
    """The facts that are known, as `name=value` in order."""
    known = (f"{name}={value}" for name, value in facts.items() if value is not None)
    return " ".join((MARK, *known))


def status_of(error: BaseException) -> str:
    """How a step ended that did not end well; not why: an error may quote the books."""
    if isinstance(error, QualityHold):
        return "held"
    if isinstance(error, QuotaReached):
        return "waiting"
    return "failed"


def row_count(result: Any) -> int | None:
    """Of a summary with `row_count`, or of rows by table; None where a step counts none."""
    if not isinstance(result, Mapping) or not result:
        return None
    if "row_count" in result:
        return int(result["row_count"])
    counts = list(result.values())
    return sum(counts) if all(type(count) is int for count in counts) else None
