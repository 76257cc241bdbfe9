"""What every client of an accounting API speaks: windows, exchanges, records.

A client knows one API and nothing of Airflow, files or tables. It reads a stream as exchanges (the
answers as they came, with the request that each answers); what records an exchange holds is a pure
function of it, so that loading reads from the landing zone what extraction read from the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from encours.clients.oauth import TokenStore
from encours.errors import EncoursError, FatalError

Default = TypeVar("Default", int, None)


@dataclass(frozen=True)
class Window:
    """What to read of a stream: what the source touched since a moment of its own clock, or
    everything (`since` None)."""

    since: datetime | None = None

    @property
    def is_full(self) -> bool:
        return self.since is None


@dataclass(frozen=True)
class Exchange:
    """One answer, unchanged. `request` is the path with its parameters, without credentials;
    `answered_at` the source's clock (the Date header), `stated_total` how many records the source
    says that the whole listing has, where it says so."""

    request: str
    body: bytes
    answered_at: datetime | None = None
    stated_total: int | None = None


@dataclass(frozen=True)
class Record:
    """One record of a stream. `key` is the source's own id; numbers with a fraction are Decimal."""

    key: str
    payload: Mapping[str, Any]
    updated_at: datetime | None = None
    is_deleted: bool = False


class Client(Protocol):
    """One company of one API. Streams are read in the order of the source's registration, by one
    client: a stream may use what those before it named."""

    def company_id(self) -> str:
        """The source's own id of the company that the credentials open."""
        ...

    def read(self, stream: str, window: Window) -> Iterator[Exchange]:
        """The answers of one stream. RetryableError or FatalError where one cannot be had, and
        WindowTooOld where the source no longer remembers `window.since`."""
        ...

    def close(self) -> None: ...


class ReadRecords(Protocol):
    """The records of one exchange of a stream; pure. FatalError on an unknown shape."""

    def __call__(self, stream: str, exchange: Exchange) -> Iterable[Record]: ...


@dataclass(frozen=True)
class Access:
    """How one company of a source is reached: an Airflow connection, without Airflow.

    `entity_id` is the entity whose books these are; `options` the connection's extra fields;
    `tokens` the store of the pair of tokens, where the source renews them.
    """

    connection_id: str
    entity_id: str
    base_url: str
    login: str = ""
    secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    tokens: TokenStore | None = None

    def number(self, option: str, most: int, default: Default) -> int | Default:
        """An option that is a whole number from 1 to `most`; `default` where it is absent or empty.
        FatalError for anything else."""
        text = self.options.get(option, "")
        if not text:
            return default
        if not re.fullmatch(r"[1-9][0-9]{0,9}", text) or int(text) > most:
            raise FatalError(
                f"{self.connection_id}: {option} in the connection's extra is no number from 1 to"
                f" {most}"
            )
        return int(text)


class WindowTooOld(EncoursError):
    """The source no longer remembers changes that old: everything has to be read again."""
