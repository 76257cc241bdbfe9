"""Names of runs."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4


def new_run_id(clock: datetime | None = None) -> str:
    """Sorts by time, and is unique without asking the database."""
    moment = clock or datetime.now(UTC)
    return f"{moment:%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
