"""The books as a ledger: what every stand-in of a tool that keeps one tells, in its own shape.

A document is an entry in the sales journal with a movement on the receivable for each instalment, a
payment one in the bank's, a write-off one in that of miscellaneous entries; drafts and void
documents are in no ledger. What settles each other has one lettering. Amounts are in euros.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from encours.sandbox.books import World
from encours.sandbox.rows import Allocation, Document, Instalment, Payment, WriteOff

RECEIVABLE, REVENUE, OUTPUT_TAX, BANK, BAD_DEBT = "411000", "707000", "445710", "512000", "654000"
ACCOUNTS = {
    RECEIVABLE: "Clients",
    REVENUE: "Ventes de marchandises",
    OUTPUT_TAX: "TVA collectée",
    BANK: "Banque",
    BAD_DEBT: "Pertes sur créances irrécouvrables",
}
SALES, BANK_JOURNAL, MISCELLANEOUS = "VE", "BQ", "OD"
JOURNALS = {SALES: "Ventes", BANK_JOURNAL: "Banque", MISCELLANEOUS: "Opérations diverses"}

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Movement:
    """One line, positive for a debit. `item` names the row of the books that the line on a
    receivable stands for: what is lettered."""

    account: str
    amount: Decimal
    item: str = ""
    customer: str = ""
    due_date: date | None = None


@dataclass(frozen=True)
class LedgerEntry:
    booked_at: datetime
    journal: str
    number: str
    day: date
    movements: tuple[Movement, ...]


def ledger_entries(world: World) -> Iterator[LedgerEntry]:
    for document in world.documents:
        if document.status == "posted":
            yield sale(world, document)
    for payment in world.payments:
        yield cash(payment)
    for write_off in world.write_offs:
        yield loss(world, write_off)


def gone_entries(world: World) -> Iterator[tuple[LedgerEntry, datetime]]:
    """Entries that were in the ledger, and when they left it."""
    for tombstone in world.tombstones():
        row = tombstone.row
        if isinstance(row, Document):
            yield sale(world, row), tombstone.deleted_at
        elif isinstance(row, Payment):
            yield cash(row), tombstone.deleted_at
        elif isinstance(row, WriteOff) and world.find(Document, row.document_id):
            yield loss(world, row), tombstone.deleted_at
    for document in world.documents:
        if document.status == "void":
            yield sale(world, document), document.updated_at


def sale(world: World, row: Document) -> LedgerEntry:
    sign = Decimal(-1 if row.document_type == "credit_note" else 1)
    parts: list[tuple[date | None, Decimal]] = [
        (part.due_date, part.amount) for part in world.where(Instalment, document_id=row.key)
    ]
    owed = [
        Movement(
            RECEIVABLE,
            sign * _euros(amount, row.exchange_rate),
            document_item(row.key),
            row.customer_id,
            due,
        )
        for due, amount in parts or [(row.due_date, row.amount_incl_tax)]
    ]
    total = sum((movement.amount for movement in owed), Decimal(0))
    tax = row.amount_incl_tax - (row.amount_excl_tax or row.amount_incl_tax)
    tax = sign * _euros(tax, row.exchange_rate)
    sold = [Movement(REVENUE, tax - total)] + ([Movement(OUTPUT_TAX, -tax)] if tax else [])
    number = row.document_number or row.document_id
    return LedgerEntry(row.created_at, SALES, number, row.issue_date, (*owed, *sold))


def cash(row: Payment) -> LedgerEntry:
    amount = _euros(row.amount, row.exchange_rate) * (1 if row.payment_type == "refund" else -1)
    paid = Movement(RECEIVABLE, amount, payment_item(row.key), row.customer_id)
    movements = (paid, Movement(BANK, -amount))
    return LedgerEntry(row.created_at, BANK_JOURNAL, row.payment_id, row.payment_date, movements)


def loss(world: World, row: WriteOff) -> LedgerEntry:
    document = world.get(Document, row.document_id)
    amount = _euros(row.amount, document.exchange_rate)
    lost = Movement(RECEIVABLE, -amount, write_off_item(row.key), document.customer_id)
    movements = (lost, Movement(BAD_DEBT, amount))
    return LedgerEntry(
        row.created_at, MISCELLANEOUS, row.write_off_id, row.write_off_date, movements
    )


def letterings(world: World) -> dict[str, str]:
    """The lettering of each item that settles or is settled: all that hangs together has one, named
    after the first of them."""
    parents: dict[str, str] = {}

    def root(key: str) -> str:
        while (above := parents.setdefault(key, key)) != key:
            parents[key] = key = parents.setdefault(above, above)
        return key

    for one, other in _matches(world):
        first, second = sorted((root(one), root(other)))
        parents[second] = first
    return {key: root(key) for key in list(parents)}


def touched_at(world: World) -> Mapping[str, datetime]:
    """When the line of each item last changed: with the item itself, with what settles it or no
    longer does, and, where it is lettered, with any other item of its lettering."""
    own = {document_item(row.key): world.touched_at(row) for row in world.documents}
    own |= {payment_item(row.key): _payment_touched_at(world, row) for row in world.payments}
    own |= {write_off_item(row.key): row.updated_at for row in world.write_offs}
    of_lettering: dict[str, datetime] = {}
    lettered = letterings(world)
    for item, name in lettered.items():
        if item in own:
            of_lettering[name] = max(of_lettering.get(name, own[item]), own[item])
    return {item: max(at, of_lettering.get(lettered.get(item, ""), at)) for item, at in own.items()}


def document_item(key: str) -> str:
    return f"document {key}"


def payment_item(key: str) -> str:
    return f"payment {key}"


def write_off_item(key: str) -> str:
    return f"write_off {key}"


def _payment_touched_at(world: World, payment: Payment) -> datetime:
    used = world.where(Allocation, source_type="payment", source_id=payment.payment_id)
    given_back = world.where(Allocation, document_id=payment.payment_id)
    gone = [
        tombstone.deleted_at
        for tombstone in world.tombstones(Allocation)
        if isinstance(tombstone.row, Allocation)
        and payment.payment_id in (tombstone.row.source_id, tombstone.row.document_id)
    ]
    return max([payment.updated_at, *(row.updated_at for row in (*used, *given_back)), *gone])


def _matches(world: World) -> Iterator[tuple[str, str]]:
    for row in world.rows(Allocation):
        if world.is_in_force(row):
            is_payment = row.source_type == "payment"
            source = payment_item(row.source_id) if is_payment else document_item(row.source_id)
            is_document = world.find(Document, row.document_id) is not None
            # A refund may give back a payment.
            named = document_item if is_document else payment_item
            yield source, named(row.document_id)
    for write_off in world.write_offs:
        yield write_off_item(write_off.key), document_item(write_off.document_id)


def _euros(amount: Decimal, rate: Decimal | None) -> Decimal:
    return (amount * (rate or 1)).quantize(_CENT, ROUND_HALF_UP)
