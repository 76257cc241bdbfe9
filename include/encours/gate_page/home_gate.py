"""The gate of this home: what the page reads and does is what the command reads and does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from encours.orchestration import control
from encours.orchestration.status import read_judged_run, read_status
from encours.settings import Settings


@dataclass(frozen=True)
class HomeGate:
    settings: Settings
    announce: control.Announce

    def status(self) -> dict[str, Any]:
        return read_status(self.settings)

    def judged_run(self, run_id: str | None) -> dict[str, Any] | None:
        return read_judged_run(self.settings, run_id)

    def release(self, run_id: str, *, by: str, reason: str, seen: int) -> None:
        control.release(
            self.settings,
            run_id,
            released_by=by,
            reason=reason,
            seen=seen,
            announce=self.announce,
        )

    def roll_back(self, *, by: str, reason: str, seen: int) -> None:
        control.roll_back(
            self.settings, rolled_back_by=by, reason=reason, seen=seen, announce=self.announce
        )
