"""Incidents and what was told of them (`ops.incident`, `alert_message`, `alert_delivery`).

An incident is one cause, open from its first failure until what failed has succeeded: what fails
again is counted in it. Each message has one delivery per channel, kept until the channel has taken
it, so that a channel that is down misses nothing and is seen to be down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

SCHEMA = """
create table if not exists ops.incident (
    incident_id bigint generated always as identity primary key,
    kind text not null check (kind in ('hold', 'failure', 'freshness', 'business')),
    cause text not null,
    -- Of a hold, the checks behind it: a later hold by some of them is the same incident.
    reasons text[] not null default '{}',
    entity_id text,
    run_id text,
    opened_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    seen_count integer not null default 1,
    closed_at timestamptz
);
create unique index if not exists incident_open
    on ops.incident (kind, cause) where closed_at is null;

create table if not exists ops.alert_message (
    message_id bigint generated always as identity primary key,
    kind text not null,
    content jsonb not null,
    created_at timestamptz not null default now()
);

create table if not exists ops.alert_delivery (
    message_id bigint not null references ops.alert_message on delete cascade,
    channel text not null,
    attempts integer not null default 0,
    attempted_at timestamptz,
    delivered_at timestamptz,
    error text,
    primary key (message_id, channel)
);
create index if not exists alert_delivery_channel on ops.alert_delivery (channel, attempted_at);
"""

# A channel that was mended gets what it missed, unless that is no longer news.
KEPT_TRYING = timedelta(days=3)
MAX_ATTEMPTS = 5
# An alert that comes back within this time has not gone away: it wavers about its limit.
WAVERING = timedelta(days=7)


@dataclass(frozen=True)
class Occurrence:
    """Something went wrong. `cause` says what is broken, the same every time that it fails."""

    kind: str
    cause: str
    reasons: tuple[str, ...] = ()
    entity_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Incident:
    """A row of ops.incident."""

    incident_id: int
    kind: str
    cause: str
    entity_id: str | None
    run_id: str | None
    opened_at: datetime
    last_seen_at: datetime
    seen_count: int
    closed_at: datetime | None = None
    reasons: Sequence[str] = field(default_factory=tuple)


def record(connection: psycopg.Connection, occurrence: Occurrence) -> Incident | None:
    """Open an incident, or count the occurrence in the one that is open. Returns a new one only.

    Joins the caller's transaction. Counting the same run twice (a step that is tried again) would
    say that more nights failed than did.
    """
    values = {
        "kind": occurrence.kind,
        "cause": occurrence.cause,
        "reasons": list(occurrence.reasons),
        "entity": occurrence.entity_id,
        "run": occurrence.run_id,
    }
    counted = connection.execute(
        "update ops.incident set last_seen_at = now(), run_id = coalesce(%(run)s, run_id),"
        " seen_count = seen_count"
        "   + case when %(run)s::text is not null and run_id = %(run)s then 0 else 1 end"
        " where incident_id = (select incident_id from ops.incident"
        "   where closed_at is null and kind = %(kind)s"
        "   and (cause = %(cause)s"
        "     or (cardinality(%(reasons)s::text[]) > 0 and reasons @> %(reasons)s::text[]))"
        "   order by incident_id limit 1)",
        values,
    )
    if counted.rowcount:
        return None
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            "insert into ops.incident (kind, cause, reasons, entity_id, run_id)"
            " values (%(kind)s, %(cause)s, %(reasons)s, %(entity)s, %(run)s)"
            " on conflict (kind, cause) where closed_at is null do nothing"
            " returning *",
            values,
        ).fetchone()
    # Another process may have opened it meanwhile, and tells it.
    return Incident(**row) if row else None


def close(
    connection: psycopg.Connection,
    kind: str,
    causes: Iterable[str] | None = None,
    *,
    but: Iterable[str] = (),
) -> list[Incident]:
    """Close the open incidents of these causes (None: of any), `but` those that persist."""
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "update ops.incident set closed_at = now() where closed_at is null and kind = %(kind)s"
            " and (%(causes)s::text[] is null or cause = any(%(causes)s::text[]))"
            " and cause <> all(%(but)s::text[])"
            " returning *",
            {
                "kind": kind,
                "causes": None if causes is None else list(causes),
                "but": list(but),
            },
        ).fetchall()
    return sorted((Incident(**row) for row in rows), key=lambda incident: incident.incident_id)


def reopen_wavering(connection: psycopg.Connection, kind: str, causes: Iterable[str]) -> None:
    """Open again, untold, what was closed a few days ago only and is back."""
    connection.execute(
        "update ops.incident set closed_at = null where incident_id in ("
        " select max(closed.incident_id) from ops.incident as closed"
        " where closed.kind = %(kind)s and closed.cause = any(%(causes)s::text[])"
        " and closed.closed_at > now() - %(wavering)s"
        " and not exists (select 1 from ops.incident as open where open.closed_at is null"
        "   and open.kind = closed.kind and open.cause = closed.cause)"
        " group by closed.cause)",
        {"kind": kind, "causes": list(causes), "wavering": WAVERING},
    )


def open_incidents(connection: psycopg.Connection) -> list[Incident]:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select * from ops.incident where closed_at is null order by incident_id"
        ).fetchall()
    return [Incident(**row) for row in rows]


# ------------------------------------------------------------------------------ messages


_DUE = """
select delivery.message_id, delivery.channel, message.kind, message.content
from ops.alert_delivery as delivery
inner join ops.alert_message as message on delivery.message_id = message.message_id
where delivery.delivered_at is null and delivery.attempts < %(attempts)s
    and message.created_at > now() - %(kept)s
    and delivery.channel = any(%(channels)s::text[])
    and (delivery.attempted_at is null or delivery.attempted_at < %(since)s)
order by delivery.message_id, delivery.channel
limit 1
for update of delivery skip locked
"""


@dataclass(frozen=True)
class Delivery:
    """A message that a channel has not taken yet."""

    message_id: int
    channel: str
    kind: str
    content: Mapping[str, Any]


def queue(
    connection: psycopg.Connection, kind: str, content: Mapping[str, Any], channels: Iterable[str]
) -> int:
    """Write a message down, due on these channels. Joins the caller's transaction."""
    row = connection.execute(
        "insert into ops.alert_message (kind, content) values (%s, %s) returning message_id",
        [kind, json.dumps(content)],
    ).fetchone()
    assert row is not None
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.alert_delivery (message_id, channel) values (%s, %s)",
            [(row[0], channel) for channel in channels],
        )
    return int(row[0])


def is_any_due(connection: psycopg.Connection) -> bool:
    row = connection.execute(
        "select exists (select 1 from ops.alert_delivery where delivered_at is null"
        " and attempts < %s)",
        [MAX_ATTEMPTS],
    ).fetchone()
    connection.commit()
    return bool(row and row[0])


@contextmanager
def next_due(
    connection: psycopg.Connection, channels: Sequence[str], since: datetime
) -> Iterator[Delivery | None]:
    """The oldest delivery that is due on these channels, kept from other processes meanwhile.

    A process that dies while it sends leaves the delivery due: a message may come twice, never not
    at all. What was tried since the moment waits for another occasion.
    """
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(
            _DUE,
            {
                "attempts": MAX_ATTEMPTS,
                "kept": KEPT_TRYING,
                "channels": list(channels),
                "since": since,
            },
        ).fetchone()
        yield Delivery(**row) if row else None


def note_attempt(connection: psycopg.Connection, delivery: Delivery, error: str | None) -> None:
    """What came of a delivery; joins the transaction of `next_due`."""
    connection.execute(
        "update ops.alert_delivery set attempts = attempts + 1, attempted_at = clock_timestamp(),"
        " delivered_at = case when %(error)s::text is null then clock_timestamp() end,"
        " error = %(error)s where message_id = %(message)s and channel = %(channel)s",
        {"error": error, "message": delivery.message_id, "channel": delivery.channel},
    )


def read_outcomes(connection: psycopg.Connection, message_id: int) -> dict[str, str | None]:
    """Per channel of a message: None when it was taken, else why not."""
    rows = connection.execute(
        "select channel, case when delivered_at is null then coalesce(error, 'not tried yet') end"
        " from ops.alert_delivery where message_id = %s order by channel",
        [message_id],
    ).fetchall()
    connection.commit()
    return {row[0]: row[1] for row in rows}


def read_channels(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Of each channel that was ever used: its last attempt, and how many messages wait."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select distinct on (channel) channel, attempted_at, error,"
            " max(delivered_at) over (partition by channel) as last_delivered_at,"
            " count(*) filter (where delivered_at is null) over (partition by channel)"
            "   as undelivered_count"
            " from ops.alert_delivery order by channel, attempted_at desc nulls last, message_id"
        ).fetchall()
