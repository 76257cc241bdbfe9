"""What a check found. Apart from the library that checks, so that the ledger, the verdict and dbt's
tests can speak of results without it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "info"]
State = Literal["passed", "failed", "not_checked"]
Unit = Literal["number", "days", "day", "moment"]

MAX_SAMPLE_KEYS = 20
_SAMPLES_IN_DETAILS = 3
_LONGEST_DETAILS = 400

# The table of a result that belongs to no single one.
ACROSS_MODELS = "across_models"
# The details of a check that was cut off.
TIMEOUT = "timeout: the database took longer than allowed"


@dataclass(frozen=True)
class CheckResult:
    """What one check found; a row of ops.check_result.

    `observed_value` says in words and figures what was seen. `figure` is the number, day or moment
    (ISO) that was judged, in `unit`, `at_least` and `at_most` what it should have been: equal where
    only one value is right, both empty where no row at all may be found. They are of the first
    offending row; `row_count` says how many there are, and `sample_columns` what the parts of a key
    are.
    """

    table_name: str
    check_name: str
    severity: Severity
    state: State
    observed_value: str | None
    details: str
    sample_keys: tuple[str, ...]
    why: str
    sample_columns: tuple[str, ...] = ()
    row_count: int | None = None
    figure: str | None = None
    at_least: str | None = None
    at_most: str | None = None
    unit: Unit = "number"


def counted(row_count: int) -> str:
    return "1 row" if row_count == 1 else f"{row_count} rows"


def detailed(observed: str, samples: Sequence[str]) -> str:
    """One line for a person: what was seen, and where to look first."""
    shown = ", ".join(samples[:_SAMPLES_IN_DETAILS])
    more = ", …" if len(samples) > _SAMPLES_IN_DETAILS else ""
    line = " ".join((f"{observed}: {shown}{more}" if shown else observed).split())
    return line if len(line) <= _LONGEST_DETAILS else f"{line[: _LONGEST_DETAILS - 1]}…"


def key_of(values: Iterable[object]) -> str:
    """What identifies a row, as samples write it: an empty part is nothing between two bars."""
    return "|".join("" if value is None else str(value) for value in values)
