"""Freshness of the sources, from what is published and from the last readings. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

TROUBLES = frozenset({"failed", "refused", "incomplete"})


@dataclass(frozen=True)
class Stream:
    name: str
    until: date | None
    read_at: datetime | None
    row_count: int
    is_stale: bool


@dataclass(frozen=True)
class Trouble:
    """Why the last reading of a stream came to nothing; `error` may be empty."""

    stream: str
    status: str
    error: str


@dataclass(frozen=True)
class Books:
    """What one source gave of one entity; of the whole source, where `entity_id` is None.

    `trouble` is that of one of its streams, None where there is none.
    """

    source: str
    entity_id: str | None
    streams: tuple[Stream, ...]
    trouble: Trouble | None
    is_being_read: bool

    @property
    def until(self) -> date | None:
        return max((s.until for s in self.streams if s.until), default=None)

    @property
    def read_at(self) -> datetime | None:
        return max((s.read_at for s in self.streams if s.read_at), default=None)

    @property
    def row_count(self) -> int | None:
        return sum(s.row_count for s in self.streams) if self.streams else None

    @property
    def is_stale(self) -> bool:
        return any(stream.is_stale for stream in self.streams)


def books_of(
    coverage: Iterable[Mapping[str, Any]], extractions: Iterable[Mapping[str, Any]]
) -> list[Books]:
    """Every source and entity that is published or whose last reading is told, by name.

    Files carry no entity in `extractions`: a reading of theirs is told of the whole source, and
    only where something is wrong with it.
    """
    streams: dict[tuple[str, str | None], list[Stream]] = {}
    for row in coverage:
        streams.setdefault((row["source"], row["entity_id"]), []).append(
            Stream(
                row["stream"],
                row["last_business_date"],
                row["last_extracted_at"],
                row["row_count"],
                row["is_stale"],
            )
        )
    troubles: dict[tuple[str, str | None], Trouble] = {}
    running: set[tuple[str, str | None]] = set()
    for row in extractions:
        place = (row["source"], row["entity_id"])
        if row["status"] in TROUBLES:
            troubles[place] = Trouble(row["stream"], row["status"], row["error"] or "")
        elif row["status"] == "running":
            running.add(place)
    places = streams.keys() | troubles.keys() | running
    return [
        Books(
            source,
            entity_id,
            tuple(streams.get((source, entity_id), ())),
            troubles.get((source, entity_id)),
            (source, entity_id) in running,
        )
        for source, entity_id in sorted(places, key=lambda place: (place[0], place[1] or ""))
    ]
