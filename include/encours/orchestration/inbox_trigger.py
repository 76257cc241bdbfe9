"""The trigger that watches the inbox, run by Airflow's triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from encours.orchestration.inbox_files import fingerprint, waiting_inputs
from encours.settings import load_settings

POLL_SECONDS = 3.0


class InboxTrigger(BaseEventTrigger):  # type: ignore[misc] # (Airflow is not typed for us)
    """Fires when the inbox holds complete inputs of a source, once per state of the inbox."""

    def __init__(self, source: str, poll_seconds: float = POLL_SECONDS) -> None:
        super().__init__()
        self.source = source
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return (
            "encours.orchestration.inbox_trigger.InboxTrigger",
            {"source": self.source, "poll_seconds": self.poll_seconds},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        settings = load_settings()
        seen: tuple[Any, ...] = ()
        fired: tuple[Any, ...] = ()
        while True:
            try:
                waiting = waiting_inputs(settings, self.source)
                current = fingerprint(waiting)
            except OSError:
                current = ()  # A file vanished while it was looked at: the next look decides.
            if not current:
                fired = ()  # Taken away: the same file may be dropped again.
            elif current == seen and current != fired:
                fired = current
                paths = [str(path) for path in waiting]
                yield TriggerEvent({"source": self.source, "paths": paths})
            seen = current
            await asyncio.sleep(self.poll_seconds)
