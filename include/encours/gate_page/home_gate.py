"""The gate of this home: what the page reads and does is what the command reads and does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from encours.orchestration import control
from encours.orchestration.status import read_judged_run, read_status
from encours.settings import Settings
from encours.warehouse.publication import Publication

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HomeGate:
    """`announce` tells whoever waits for new marts; what was published stands if it fails."""

    settings: Settings
    announce: Callable[[Publication], None]

    def status(self) -> dict[str, Any]:
        return read_status(self.settings)

    def judged_run(self, run_id: str | None) -> dict[str, Any] | None:
        return read_judged_run(self.settings, run_id)

    def release(self, run_id: str, *, by: str, reason: str, seen: int) -> None:
        self._tell(control.release(self.settings, run_id, released_by=by, reason=reason, seen=seen))

    def roll_back(self, *, by: str, reason: str, seen: int) -> None:
        self._tell(control.roll_back(self.settings, rolled_back_by=by, reason=reason, seen=seen))

    def _tell(self, published: Publication) -> None:
        try:
            self.announce(published)
        except Exception:
            log.exception("%s is published, but was not announced", published.publication_id)
