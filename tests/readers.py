"""Readers who ask for the marts while runs publish, fail or are killed: what they must not see."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from encours.settings import Settings
from encours.warehouse.connections import open_warehouse

# What one statement sees of the marts; the sum of the buckets is that of the items, to the cent.
SEEN = """
select
    (select publication_id from publication_info) as publication_id,
    (select as_of_date from publication_info) as as_of_date,
    (select max(as_of_date) from mart_aged_balance) as aged_on,
    (select max(as_of_date) from mart_dso) as dso_on,
    (select sum(open_company_amount) from fct_open_items) as open_amount,
    (
        select sum(open_company_amount) from mart_aged_balance
        where as_of_date = (select as_of_date from publication_info)
    ) as aged_amount,
    (select count(*) from dim_customer) as customer_count
"""
POLLS_PER_SECOND = 50
# What each of two readers manages beside everything else on a machine of two busy cores, and one
# that something holds up does not.
LEAST_PER_SECOND = 2
LONGEST_SECONDS = 10.0
# A server that is killed or starts: no answer at all, or one of these.
_SERVER_AWAY = (None, "57P01", "57P02", "57P03")


@dataclass
class Pace:
    """How often one reader read, of the seconds in which the server was there, and the longest
    that it waited for one answer."""

    reads: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    def add(self, asked: float, answered: float) -> None:
        self.reads += 1
        self.longest = max(self.longest, answered - asked)

    def __str__(self) -> str:
        rate = self.reads / self.seconds if self.seconds else 0.0
        return f"{rate:.0f} reads a second, the longest {self.longest:.1f} s"


@dataclass
class Readers:
    """Ask `statement`, which has one row, again and again, by a connection that is kept and by a
    new one each time; `anomaly_of` says what is wrong with a row ("" where nothing is). A refused
    statement is an anomaly too, but that the server is away, where it `may_be_away`."""

    url: str
    statement: str
    anomaly_of: Callable[[tuple[Any, ...]], str]
    polls_per_second: float
    may_be_away: bool = False
    anomalies: list[str] = field(default_factory=list)
    paces: tuple[Pace, ...] = ()
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _done: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Readers:
        self.paces = (Pace(), Pace())
        self._threads = [
            threading.Thread(target=self._poll, args=[pace, stays])
            for pace, stays in zip(self.paces, (True, False), strict=True)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    @property
    def reads(self) -> int:
        return sum(pace.reads for pace in self.paces)

    @property
    def held_up(self) -> list[str]:
        """The readers that did not get on while the server was there."""
        return [
            str(pace)
            for pace in self.paces
            if pace.reads < LEAST_PER_SECOND * pace.seconds or pace.longest > LONGEST_SECONDS
        ]

    def _poll(self, pace: Pace, stays: bool) -> None:
        while not self._done.is_set():
            asked = time.monotonic()
            try:
                with psycopg.connect(self.url, connect_timeout=5, autocommit=True) as connection:
                    self._look(connection, pace, asked)
                    while stays and not self._done.is_set():
                        self._look(connection, pace, time.monotonic())
            except psycopg.Error as error:
                is_away = isinstance(error, psycopg.OperationalError)
                if self.may_be_away and is_away and error.sqlstate in _SERVER_AWAY:
                    self._done.wait(0.1)
                else:
                    with self._lock:
                        self.anomalies.append(f"{type(error).__name__}: {error}")

    def _look(self, connection: psycopg.Connection, pace: Pace, asked: float) -> None:
        """What ends in an error does not count: the server was away meanwhile."""
        (row,) = connection.execute(self.statement.encode()).fetchall()
        pace.add(asked, time.monotonic())
        with self._lock:
            if anomaly := self.anomaly_of(row):
                self.anomalies.append(anomaly)
        self._done.wait(max(0.0, asked + 1 / self.polls_per_second - time.monotonic()))
        pace.seconds += time.monotonic() - asked


def readers_of(settings: Settings) -> Readers:
    """Poll the marts as BI does, while what works for the home may be killed. Nobody should see a
    mixture of two publications, or a publication that changes."""
    url = open_warehouse(settings).reader_url
    return Readers(url, SEEN, _Publications().anomaly_of, POLLS_PER_SECOND, may_be_away=True)


class _Publications:
    """What was first seen of each."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[Any, ...]] = {}

    def anomaly_of(self, row: tuple[Any, ...]) -> str:
        publication_id, as_of_date, aged_on, dso_on, open_amount, aged_amount, _ = row
        first = self._seen.setdefault(publication_id, row)
        if row != first or {aged_on, dso_on} != {as_of_date} or open_amount != aged_amount:
            return f"saw {row}, first {first}"
        return ""
