"""By when the marts are published: the deadline of the day, and whether it was met."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import psycopg

from encours.orchestration import accesses
from encours.settings import Settings
from encours.warehouse import ledger
from encours.warehouse.connections import connect, open_warehouse

# The watch begins so long before: after the hours in which clocks are changed.
WATCH = timedelta(hours=2)


def earliest_zone(zones: Sequence[str], reference: datetime) -> str:
    """Where the same time of day comes first: furthest east, by the offset of the reference."""
    return max(zones, key=lambda zone: ZoneInfo(zone).utcoffset(reference) or timedelta(0))


def watch_cron(publish_by: time) -> str:
    """When the watch begins, as cron has it, on the clock of the zone."""
    hour = (publish_by.hour - int(WATCH.total_seconds() // 3600)) % 24
    return f"{publish_by.minute} {hour} * * *"


def is_published_by(published_at: datetime | None, deadline: datetime) -> bool:
    """Whether the last publication is of the day of the deadline, on the deadline's own clock."""
    if published_at is None:
        return False
    day_begins = deadline.replace(hour=0, minute=0, second=0, microsecond=0)
    return published_at >= day_begins


def is_done(settings: Settings, deadline: datetime) -> bool:
    """Whether the watch is over: published, or nothing is read by schedule in this home."""
    if not accesses.configured(settings):
        return True
    with connect(open_warehouse(settings).pipeline_url) as connection:
        return is_published_by(_last(connection), deadline)


def _last(connection: psycopg.Connection) -> datetime | None:
    ledger.ensure_ledger(connection)
    current = ledger.read_current(connection)
    return current["published_at"] if current else None
