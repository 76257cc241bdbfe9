"""What a check found. Apart from the library that checks, so that the ledger, the verdict and dbt's
tests can speak of results without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "info"]
State = Literal["passed", "failed", "not_checked"]

# The table of a result that belongs to no single one.
ACROSS_MODELS = "across_models"
# The details of a check that was cut off.
TIMEOUT = "timeout: the database took longer than allowed"


@dataclass(frozen=True)
class CheckResult:
    """What one check found; a row of ops.check_result."""

    table_name: str
    check_name: str
    severity: Severity
    state: State
    observed_value: str | None
    details: str
    sample_keys: tuple[str, ...]
    why: str
