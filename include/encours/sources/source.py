"""What a source is, as data: each module of this folder but the registry describes one.

Files are delivered into the inbox; an API is read through the Airflow connections of its key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path

from encours.clients.api import Access, Client, ReadRecords
from encours.clients.ledger_periods import Period
from encours.clients.oauth import Application


class Deletes(Enum):
    """How it shows that a record of a stream is no longer there."""

    IN_RECORD = "a state in the record itself"
    FEED = "the source lists what was deleted"
    ABSENCE = "only by reading all keys"


@dataclass(frozen=True)
class ApiStream:
    """One stream: the name of its raw table and of its reading by the client.

    A stream that cannot be read since a moment is read whole each time.
    """

    name: str
    deletes: Deletes
    is_incremental: bool = True


@dataclass(frozen=True)
class Field:
    """One field of the Airflow connection: `host`, `login`, `password`, or a name of its extra,
    and what it is to a person of that system."""

    name: str
    meaning: str
    is_required: bool = True


@dataclass(frozen=True)
class LedgerExport:
    """How a source exports the FEC of a company, which is then read instead of its documents.

    `periods` are those that a connection names, none where it wants its documents read; `export`
    leaves the file of one of them in a folder. `company_stream` and `siren_field` say where the
    SIREN is in what is read of documents: one company is not read both ways.
    """

    periods: Callable[[Access], tuple[Period, ...]]
    export: Callable[[Client, Period, Path], Path]
    company_stream: str
    siren_field: str


@dataclass(frozen=True)
class Source:
    """`key` names the raw schema, the asset and the DAG; `title` says what it is to a person."""

    key: str
    title: str


@dataclass(frozen=True)
class FileSource(Source):
    """Delivered as files; `streams` are its versioned raw tables."""

    streams: tuple[str, ...]


@dataclass(frozen=True)
class ApiSource(Source):
    """Read through an API.

    `standing` is `verified` where the contract was read in full, else `beta`; `cannot_know` names
    what the source does not tell, in words for the README. `overlap` is how far a later reading
    goes back before the last one. `connection` lists what a connection needs. `schedule` is a cron
    expression in UTC: before the working day, so that the marts are there when it begins.
    `application` says how a person authorises us, where tokens are issued and renewed (OAuth 2.0);
    None for a connection that needs nobody to. `ledger_export` is the second way to its books.
    """

    standing: str
    streams: tuple[ApiStream, ...]
    open_client: Callable[[Access], Client]
    read_records: ReadRecords
    overlap: timedelta
    connection: tuple[Field, ...]
    cannot_know: tuple[str, ...] = ()
    schedule: str = "15 3 * * *"
    application: Callable[[Access], Application | None] = lambda _: None
    ledger_export: LedgerExport | None = None

    def stream(self, name: str) -> ApiStream:
        return next(stream for stream in self.streams if stream.name == name)
