"""The receivable control account of each entity, exact to the cent.

In the base currency an allocation moves the same cents between two items, so only documents,
payments and write-offs move the account. In a foreign currency each open item is converted at its
own rate and rounded by itself, so every movement of every item is followed (`foreign_movements`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from encours.demo.customers import Customer
from encours.demo.events import CREDIT_NOTE, INVOICE, POSTED, REFUND, Life, Part
from encours.demo.rates import BASE_CURRENCY, convert
from encours.demo.world import World


class Movement(NamedTuple):
    """A change of the receivable in base-currency cents; `cause` is the record that made it."""

    day: int
    cause: str
    delta: int


class ControlAccount:
    """Month by month, what the open items of each entity add up to."""

    def __init__(self, world: World) -> None:
        self._days = days = world.days
        months = days.month_index[days.end] + 1
        self._moved = {entity.entity_id: [0] * months for entity in world.entities}

    def add(self, customer: Customer, life: Life) -> None:
        moved, month = self._moved[customer.entity.entity_id], self._days.month_index
        foreign_documents = set()
        for document in life.documents:
            if document.currency != BASE_CURRENCY:
                foreign_documents.add(document.document_id)
            elif document.status == POSTED:
                sign = 1 if document.kind == INVOICE else -1
                moved[month[document.issue]] += sign * document.gross
        for payment in life.payments:
            if payment.currency == BASE_CURRENCY:
                sign = 1 if payment.kind == REFUND else -1
                moved[month[payment.day]] += sign * payment.amount
        for write_off in life.write_offs:
            if write_off.document_id not in foreign_documents:
                moved[month[write_off.day]] -= write_off.amount
        if customer.currency != BASE_CURRENCY:
            for movement in foreign_movements(life):
                moved[month[movement.day]] += movement.delta

    def balances(self) -> Iterator[tuple[str, int, int]]:
        """(entity, day, balance in cents) at each month end and at the end of the history."""
        for entity_id, moved in self._moved.items():
            total = 0
            for day, delta in zip(self._days.control_days(), moved, strict=True):
                total += delta
                yield entity_id, day, total

    def totals(self) -> dict[str, int]:
        return {entity_id: sum(moved) for entity_id, moved in self._moved.items()}


class _ForeignItem:
    """A document or payment in a foreign currency: what is open of each of its instalments."""

    __slots__ = ("_open", "_parts", "_rate", "_sign")

    def __init__(self, sign: int, rate: int, parts: tuple[Part, ...]) -> None:
        self._sign = sign
        self._rate = rate
        self._parts = parts
        self._open = [part.amount for part in parts]

    def company_value(self) -> int:
        return self._sign * sum(convert(amount, self._rate) for amount in self._open)

    def consume(self, part_number: int, amount: int) -> int:
        """Takes an amount off one instalment, or off the oldest due dates; the change in value."""
        before = self.company_value()
        if part_number:
            self._open[part_number - 1] -= amount
        else:
            for place in range(len(self._parts)):
                taken = min(amount, self._open[place])
                self._open[place] -= taken
                amount -= taken
        return self.company_value() - before


def foreign_movements(life: Life) -> list[Movement]:
    """What the foreign items of a life do to the receivable, in date order.

    An allocation between two items booked at different rates leaves a difference: the realised
    exchange gain or loss.
    """
    items: dict[str, _ForeignItem] = {}
    movements: list[Movement] = []
    for document in life.documents:
        if document.currency != BASE_CURRENCY and document.status == POSTED:
            sign = -1 if document.kind == CREDIT_NOTE else 1
            item = _ForeignItem(sign, document.rate, document.parts)
            items[document.document_id] = item
            movements.append(Movement(document.issue, document.document_id, item.company_value()))
    for payment in life.payments:
        if payment.currency != BASE_CURRENCY:
            sign = 1 if payment.kind == REFUND else -1
            item = _ForeignItem(sign, payment.rate, (Part(0, payment.day, payment.amount),))
            items[payment.payment_id] = item
            movements.append(Movement(payment.day, payment.payment_id, item.company_value()))
    movements.extend(_consumption(life, items))
    movements.sort(key=lambda movement: movement.day)
    return movements


def _consumption(life: Life, items: dict[str, _ForeignItem]) -> Iterator[Movement]:
    """Allocations and write-offs by date. None is reversed: only euro direct debits bounce."""
    dated: list[tuple[int, str, str, str, int, int]] = []
    for entry in life.allocations:
        if entry.document_id in items:
            dated.append(
                (entry.effective, entry.allocation_id, entry.source_id, entry.document_id,
                 entry.part, entry.amount)
            )  # fmt: skip
    for loss in life.write_offs:
        if loss.document_id in items:
            dated.append(
                (loss.day, loss.write_off_id, "", loss.document_id, loss.part, loss.amount)
            )
    for day, cause, source_id, document_id, part, amount in sorted(dated):
        delta = items[document_id].consume(part, amount)
        if source_id:
            delta += items[source_id].consume(0, amount)
        yield Movement(day, cause, delta)
