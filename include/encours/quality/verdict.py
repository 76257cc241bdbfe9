"""The decision of the gate: publish or hold. Pure, so that every rule is a test.

A check that could not run holds as surely as one that failed: nothing unproven gets out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from encours.quality.results import CheckResult

Decision = Literal["publish", "hold"]

NOTHING_CHECKED = "no check reported a result: an empty audit proves nothing"


@dataclass(frozen=True)
class Verdict:
    """`reasons` say why the publication is held, `warnings` what a person should look at.

    `failed` counts critical failures, `warned` failures of severity warning or info.
    """

    decision: Decision
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    passed: int
    warned: int
    failed: int
    not_checked: int

    @property
    def checks(self) -> dict[str, int]:
        return {
            "passed": self.passed,
            "warned": self.warned,
            "failed": self.failed,
            "not_checked": self.not_checked,
        }


def decide(results: Sequence[CheckResult], *, expected: Sequence[tuple[str, str]]) -> Verdict:
    """Weigh every result, and the absence of every result that was expected."""
    passed = [result for result in results if result.state == "passed"]
    red = [result for result in results if result.state == "failed"]
    warned = [result for result in red if result.severity in ("warning", "info")]
    failed = [result for result in red if result.severity not in ("warning", "info")]
    # Whatever is neither passed nor failed is unknown, also a state nobody has heard of.
    unknown = [result for result in results if result.state not in ("passed", "failed")]
    reported = {(result.table_name, result.check_name) for result in results}
    absent = [check for check in dict.fromkeys(expected) if check not in reported]

    reasons = [_reason("failed", result) for result in failed]
    reasons += [_reason("not checked", result) for result in unknown]
    reasons += [f"{table}: {check}: not checked: it reported no result" for table, check in absent]
    if not results:
        reasons.insert(0, NOTHING_CHECKED)
    return Verdict(
        decision="hold" if reasons else "publish",
        reasons=tuple(reasons),
        warnings=tuple(_reason(result.severity, result) for result in warned),
        passed=len(passed),
        warned=len(warned),
        failed=len(failed),
        not_checked=len(unknown) + len(absent),
    )


def _reason(word: str, result: CheckResult) -> str:
    facts = result.details or result.observed_value or "no details"
    line = f"{result.table_name}: {result.check_name}: {word}: {facts}; {result.why}"
    return " ".join(line.split())
