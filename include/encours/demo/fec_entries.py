"""The accounting entries of one customer's life: sales, bank, losses, exchange differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from encours.demo.control import foreign_movements
from encours.demo.customers import Customer
from encours.demo.events import CREDIT_NOTE, POSTED, RECEIPT, Document, Life, Payment
from encours.demo.lettering import LedgerLine
from encours.demo.rates import BASE_CURRENCY, convert

SALES = "VE"
BANK = "BQ"
VARIOUS = "OD"

RECEIVABLE = "411000"
VAT = "445710"
CASH = "512000"
LOSS = "654000"
EXCHANGE_LOSS = "666000"
EXCHANGE_GAIN = "766000"


class Entry(NamedTuple):
    """A balanced entry: its lines on the receivable account, then (account, debit in cents)."""

    journal: str
    lines: list[LedgerLine]
    counterparts: list[tuple[str, int]]


def customer_entries(customer: Customer, life: Life) -> list[Entry]:
    """All entries of a customer in date order (of one day: as they were thought of)."""
    foreign = customer.currency != BASE_CURRENCY
    deltas = {m.cause: m.delta for m in foreign_movements(life)} if foreign else {}
    documents = {d.document_id: d for d in life.documents}
    entries = [
        _sale(customer, document) for document in life.documents if document.status == POSTED
    ]
    entries.extend(_bank(payment) for payment in life.payments)
    entries.extend(_losses(life, documents, deltas))
    entries.extend(_exchange_differences(life, deltas))
    entries.sort(key=lambda entry: entry.lines[0].day)
    return entries


def _sale(customer: Customer, document: Document) -> Entry:
    is_credit = document.kind == CREDIT_NOTE
    sign = -1 if is_credit else 1
    foreign = document.currency != BASE_CURRENCY
    label = f"{'Avoir' if is_credit else 'Facture'} {document.number}"
    lines = [
        LedgerLine(
            document.issue,
            document.document_id,
            document.number,
            document.issue,
            # A due date that the invoice does not state is not in the ledger either.
            None if document.due is None else part.due,
            sign * convert(part.amount, document.rate),
            label,
            sign * part.amount if foreign else None,
            document.currency,
        )
        for part in document.parts
    ]
    vat = sign * (document.gross - document.net)
    revenue = sum(line.amount for line in lines) - vat
    counterparts = [(customer.entity.revenue_account, -revenue)]
    if vat:
        counterparts.append((VAT, -vat))
    return Entry(SALES, lines, counterparts)


def _bank(payment: Payment) -> Entry:
    is_receipt = payment.kind == RECEIPT
    sign = -1 if is_receipt else 1
    amount = sign * convert(payment.amount, payment.rate)
    foreign = payment.currency != BASE_CURRENCY
    line = LedgerLine(
        payment.day,
        payment.payment_id,
        payment.payment_id,
        payment.day,
        None,
        amount,
        f"{'Règlement' if is_receipt else 'Sortie'} {payment.reference}",
        sign * payment.amount if foreign else None,
        payment.currency,
    )
    return Entry(BANK, [line], [(CASH, -amount)])


def _losses(life: Life, documents: dict[str, Document], deltas: dict[str, int]) -> Iterator[Entry]:
    for loss in life.write_offs:
        document = documents[loss.document_id]
        foreign = document.currency != BASE_CURRENCY
        amount = deltas[loss.write_off_id] if foreign else -loss.amount
        line = LedgerLine(
            loss.day,
            loss.document_id,
            loss.write_off_id,
            loss.day,
            None,
            amount,
            f"Perte sur créance {document.number}",
            -loss.amount if foreign else None,
            document.currency,
        )
        yield Entry(VARIOUS, [line], [(LOSS, -amount)])


def _exchange_differences(life: Life, deltas: dict[str, int]) -> Iterator[Entry]:
    """What an invoice and its payment leave, booked at different rates (nothing in dollars)."""
    for match in life.allocations:
        amount = deltas.get(match.allocation_id, 0)
        if amount:
            line = LedgerLine(
                match.effective,
                match.document_id,
                match.allocation_id,
                match.effective,
                None,
                amount,
                "Différence de change",
                None,
                BASE_CURRENCY,
            )
            account = EXCHANGE_GAIN if amount > 0 else EXCHANGE_LOSS
            yield Entry(VARIOUS, [line], [(account, -amount)])
