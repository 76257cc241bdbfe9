"""Names of runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from uuid import uuid4

from encours.errors import BadInput, quoted

# It names folders, stands in SQL and in links: no slash, no quote, and nothing that leads upwards.
PATTERN = r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._:+-]{0,119}"
_RUN_ID = re.compile(PATTERN)


def new_run_id(clock: datetime | None = None) -> str:
    """Sorts by time, and is unique without asking the database."""
    moment = clock or datetime.now(UTC)
    return f"{moment:%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"


def is_run_id(value: object) -> bool:
    return isinstance(value, str) and _RUN_ID.fullmatch(value) is not None


def checked_run_id(value: object) -> str:
    """The same, when it can name a run; BadInput otherwise."""
    if not is_run_id(value):
        raise BadInput(
            f"{quoted(value)} cannot name a run",
            mend="letters, digits and . _ : + -, a letter or digit first, no two dots in a row",
        )
    return str(value)
