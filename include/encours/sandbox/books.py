"""The one set of books that all stand-ins serve, and that tests change while it is served.

    world = World([Customer(customer_id="C1"), Document(document_id="F1", customer_id="C1", ...)])
    world.clock += timedelta(hours=1)
    world.change(Document, "F1", amount_incl_tax=Decimal("120.00"))
    world.delete(Document, "F1")

The clock stands still unless it is turned, so that what a test serves is the same on any day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from threading import RLock
from typing import Any, TypeVar
from zlib import crc32

from encours.errors import BadInput
from encours.sandbox.row_files import read_rows
from encours.sandbox.rows import (
    DEFAULT_ENTITY,
    UNSTAMPED,
    Allocation,
    CollectionCase,
    CreditDecision,
    Customer,
    Dispute,
    Document,
    DunningAction,
    Entity,
    EntityRow,
    ExchangeRate,
    Instalment,
    LedgerBalance,
    Payment,
    Promise,
    Row,
    WriteOff,
)

__all__ = [
    "Allocation",
    "CollectionCase",
    "CreditDecision",
    "Customer",
    "Dispute",
    "Document",
    "DunningAction",
    "Entity",
    "EntityRow",
    "ExchangeRate",
    "Instalment",
    "LedgerBalance",
    "Payment",
    "Promise",
    "Row",
    "Tombstone",
    "World",
    "WriteOff",
    "read_world",
]

R = TypeVar("R", bound=Row)

# Books without a dated row still need a moment.
_EPOCH = date(2026, 1, 1)


@dataclass(frozen=True)
class Tombstone:
    """A row that is no longer in the books. `kind` is the stream's name."""

    kind: str
    key: str
    deleted_at: datetime
    row: Row


class World:
    """Books of one or several entities, of which one is served (`entity_id`).

    Rows that were not stamped are, from their business date: the same books have the same stamps
    on any machine and day. `clock` starts the day after the last of them. Safe to change from one
    thread while another reads.
    """

    def __init__(
        self,
        rows: Iterable[Row] = (),
        *,
        entity_id: str | None = None,
        clock: datetime | None = None,
    ) -> None:
        rows = list(rows)
        entities = [row.entity_id for row in rows if isinstance(row, Entity)]
        owners = [row.entity_id for row in rows if isinstance(row, EntityRow) and row.entity_id]
        self.entity_id: str = entity_id or next(iter(entities + owners), DEFAULT_ENTITY)
        self._lock = RLock()
        self._rows: dict[type[Row], dict[tuple[str | None, str], Row]] = {}
        self._tombstones: list[Tombstone] = []
        self._cache: dict[Any, Any] = {}
        self._machine: Callable[[], datetime] | None = None
        for row in _stamped([self._owned(row) for row in rows]):
            if (row.owner, row.key) in self._rows.get(type(row), {}):
                raise BadInput(f"two rows of {row.stream} have the key {row.key}")
            self._put(row)
        last = max((row.updated_at for row in self.everything()), default=_moment(_EPOCH, ""))
        self._clock = clock or last + timedelta(days=1)

    # ------------------------------------------------------------------ the clock

    @property
    def clock(self) -> datetime:
        """The moment that the stand-ins believe it is, UTC."""
        return self._machine() if self._machine else self._clock

    @clock.setter
    def clock(self, moment: datetime) -> None:
        if moment.tzinfo is None:
            raise ValueError("the clock needs a time zone")
        self._machine = None
        self._clock = moment.astimezone(UTC)

    def let_clock_run(self, machine: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """From now on the clock is the machine's."""
        self._machine = machine

    # ------------------------------------------------------------------ reading

    def rows(self, kind: type[R]) -> tuple[R, ...]:
        """The rows of one kind that the served entity has, in the order of the books."""
        with self._lock:
            name = ("rows", kind, self.entity_id)
            if name not in self._cache:
                self._cache[name] = tuple(
                    row
                    for row in self._rows.get(kind, {}).values()
                    if row.owner in (None, self.entity_id)
                )
            found: tuple[R, ...] = self._cache[name]
            return found

    def find(self, kind: type[R], key: str) -> R | None:
        """The row of the served entity with this key (see `Row.key`), or None."""
        with self._lock:
            rows: dict[tuple[str | None, str], Any] = self._rows.get(kind, {})
            found: R | None = rows.get((self.entity_id, key)) or rows.get((None, key))
            return found

    def get(self, kind: type[R], key: str) -> R:
        """The row with this key; LookupError where there is none."""
        found = self.find(kind, key)
        if found is None:
            raise LookupError(f"no {kind.stream} row {key}")
        return found

    def where(self, kind: type[R], **values: Any) -> tuple[R, ...]:
        """The rows with these values: `where(Instalment, document_id="F1")`. Looked up, not
        searched, so that it may be asked for each row of a listing."""
        with self._lock:
            names = tuple(sorted(values))
            index_name = ("where", kind, self.entity_id, names)
            if index_name not in self._cache:
                index: dict[tuple[Any, ...], list[R]] = {}
                for row in self.rows(kind):
                    index.setdefault(tuple(getattr(row, name) for name in names), []).append(row)
                self._cache[index_name] = {value: tuple(rows) for value, rows in index.items()}
            found: tuple[R, ...] = self._cache[index_name].get(
                tuple(values[name] for name in names), ()
            )
            return found

    def tombstones(
        self, kind: type[Row] | None = None, since: datetime | None = None
    ) -> tuple[Tombstone, ...]:
        """What was deleted of the served entity's rows, oldest first; `since` is included."""
        with self._lock:
            return tuple(
                gone
                for gone in self._tombstones
                if gone.row.owner in (None, self.entity_id)
                and (kind is None or gone.kind == kind.stream)
                and (since is None or gone.deleted_at >= since)
            )

    def everything(self) -> Iterable[Row]:
        """The rows of all entities and kinds."""
        return (row for rows in self._rows.values() for row in rows.values())

    @property
    def entity(self) -> Entity:
        """The served entity; books without a file of entities have one that only has an id."""
        found = self.find(Entity, self.entity_id)
        moment = _moment(_EPOCH, self.entity_id)
        return found or Entity(entity_id=self.entity_id, created_at=moment, updated_at=moment)

    @property
    def customers(self) -> tuple[Customer, ...]:
        return self.rows(Customer)

    @property
    def documents(self) -> tuple[Document, ...]:
        return self.rows(Document)

    @property
    def payments(self) -> tuple[Payment, ...]:
        return self.rows(Payment)

    @property
    def allocations(self) -> tuple[Allocation, ...]:
        return self.rows(Allocation)

    @property
    def write_offs(self) -> tuple[WriteOff, ...]:
        return self.rows(WriteOff)

    # ------------------------------------------------------------------ what follows from rows

    def allocations_of(self, document_id: str) -> tuple[Allocation, ...]:
        """What settles a document, and for a credit note also what it settles; reversed ones
        too."""
        return self.where(Allocation, document_id=document_id) + self.where(
            Allocation, source_type="credit_note", source_id=document_id
        )

    def is_in_force(self, allocation: Allocation) -> bool:
        return allocation.reversed_on is None or allocation.reversed_on > self.clock.date()

    def remaining_amount(self, document: Document) -> Decimal:
        """What is open of a document now, in its currency; 0 for a draft or a void one."""
        if document.status != "posted":
            return Decimal(0)
        settled = [a.amount for a in self.allocations_of(document.key) if self.is_in_force(a)]
        written_off = [
            w.amount
            for w in self.where(WriteOff, document_id=document.key)
            if w.write_off_date <= self.clock.date()
        ]
        return document.amount_incl_tax - sum(settled + written_off, Decimal(0))

    def unapplied_amount(self, payment: Payment) -> Decimal:
        """What of a payment is allocated to nothing now, in its currency."""
        used = self.where(Allocation, source_type="payment", source_id=payment.key)
        return payment.amount - sum((a.amount for a in used if self.is_in_force(a)), Decimal(0))

    def touched_at(self, document: Document) -> datetime:
        """When anything that shows in the document last changed: itself, its instalments, what
        settles it, what settled it and is deleted."""
        parts: tuple[Row, ...] = (
            document,
            *self.where(Instalment, document_id=document.key),
            *self.allocations_of(document.key),
            *self.where(WriteOff, document_id=document.key),
        )
        gone = [
            tombstone.deleted_at
            for tombstone in self.tombstones()
            if getattr(tombstone.row, "document_id", None) == document.key
            or (
                isinstance(tombstone.row, Allocation)
                and tombstone.row.source_type == "credit_note"
                and tombstone.row.source_id == document.key
            )
        ]
        return max([*(row.updated_at for row in parts), *gone])

    # ------------------------------------------------------------------ changing

    def add(self, row: R) -> R:
        """Takes a new row in; ValueError where its key is taken."""
        with self._lock:
            now = self.clock
            row = replace(self._owned(row), created_at=now, updated_at=now)
            if (row.owner, row.key) in self._rows.get(type(row), {}):
                raise ValueError(f"{row.stream} already has a row {row.key}")
            self._put(row)
            return row

    def change(self, kind: type[R], key: str, **values: Any) -> R:
        """Sets columns of a row; LookupError where there is none, its key cannot be changed."""
        with self._lock:
            row = replace(self.get(kind, key), **values, updated_at=self.clock)
            if row.key != key:
                raise ValueError(f"the key of a {kind.stream} row cannot be changed")
            self._put(row)
            return row

    def void(self, document_id: str) -> Document:
        """Cancels a document; it stays in the books, with status `void`."""
        return self.change(Document, document_id, status="void")

    def delete(self, kind: type[R], key: str) -> Tombstone:
        """Takes a row out, and nothing with it: what refers to it is the caller's to delete."""
        with self._lock:
            row = self.get(kind, key)
            del self._rows[kind][(row.owner, key)]
            self._cache.clear()
            tombstone = Tombstone(kind.stream, key, self.clock, row)
            self._tombstones.append(tombstone)
            return tombstone

    # ------------------------------------------------------------------ inside

    def _owned(self, row: R) -> R:
        if isinstance(row, EntityRow) and not row.entity_id:
            return replace(row, entity_id=self.entity_id)
        return row

    def _put(self, row: Row) -> None:
        self._rows.setdefault(type(row), {})[(row.owner, row.key)] = row
        self._cache.clear()


def read_world(folder: Path, *, entity_id: str | None = None) -> World:
    """The books of a folder of flat files (CSV). BadInput names file, line and column, or says
    which entities there are."""
    world = World(read_rows(folder), entity_id=entity_id)
    known = sorted(
        {row.entity_id for row in world.everything() if isinstance(row, Entity | EntityRow)}
    )
    if entity_id and entity_id not in known:
        raise BadInput(
            f"there is no entity '{entity_id}' in the books",
            where=str(folder),
            mend=f"it has {', '.join(known)}",
        )
    return world


# ---------------------------------------------------------------------- stamps of initial rows


def _stamped(rows: list[Row]) -> list[Row]:
    documents = {(r.owner, r.key): r.issue_date for r in rows if isinstance(r, Document)}
    payments = {(r.owner, r.key): r.payment_date for r in rows if isinstance(r, Payment)}
    opening = min([*documents.values(), *payments.values()], default=_EPOCH)

    def days(row: Row) -> tuple[date, date]:
        """When the row came to be, and when it was last touched."""
        if isinstance(row, Instalment):
            born = documents.get((row.owner, row.document_id), opening)
            return born, born
        if isinstance(row, Allocation):
            sources = payments if row.source_type == "payment" else documents
            of_source = sources.get((row.owner, row.source_id), opening)
            born = max(of_source, documents.get((row.owner, row.document_id), opening))
            return born, max(born, row.reversed_on or born)
        if isinstance(row, Dispute | CollectionCase):
            return row.opened_on, max(row.opened_on, row.closed_on or row.opened_on)
        if isinstance(row, CreditDecision):
            born = row.event_at.date() if row.event_at else row.valid_from or opening
            return born, born
        born = getattr(row, _BORN.get(row.stream, ""), opening)
        return born, born

    return [row if row.updated_at != UNSTAMPED else _stamp(row, *days(row)) for row in rows]


_BORN = {
    "documents": "issue_date",
    "payments": "payment_date",
    "write_offs": "write_off_date",
    "promises": "recorded_on",
    "dunning_actions": "action_date",
    "ledger_balances": "balance_date",
    "exchange_rates": "rate_date",
}


def _stamp(row: Row, born: date, touched: date) -> Row:
    name = f"{row.stream} {row.owner} {row.key}"
    return replace(row, created_at=_moment(born, name), updated_at=_moment(touched, name))


def _moment(day: date, name: str) -> datetime:
    """Some moment between 8:00 and 18:00 UTC of the day: rows of one day differ, to the
    microsecond, and the same row has the same moment everywhere."""
    within = timedelta(microseconds=crc32(name.encode()) % (10 * 3600 * 1_000_000))
    return datetime.combine(day, time(8), UTC) + within
