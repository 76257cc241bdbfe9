"""What a check found. Apart from the library that checks, so that the ledger, the verdict and dbt's
tests can speak of results without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "warning", "info"]
State = Literal["passed", "failed", "not_checked"]


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
