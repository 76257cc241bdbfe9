"""Invoices and credit notes as documents: amounts, VAT, due dates, instalments, numbers."""

from __future__ import annotations

from encours.demo.customers import PAYMENT_TERMS, Customer
from encours.demo.events import (
    CREDIT_NOTE,
    DRAFT,
    INVOICE,
    POSTED,
    VOID,
    Document,
    Life,
    Part,
)
from encours.demo.randomness import Draw, pareto_two, whole
from encours.demo.rates import BASE_CURRENCY
from encours.demo.world import World

_UNITS = ("négoce", "négoce", "fabrication", "maintenance", "projets")
_CHANNELS = ("commercial", "commercial", "portail", "edi", "téléphone")
_SMALLEST_NET = 1_500
_SMALLEST_SPLIT = 80_000


class Seller:
    """Writes the documents of one customer into its life."""

    def __init__(self, world: World, customer: Customer, life: Life, draw: Draw) -> None:
        self._world = world
        self._customer = customer
        self._life = life
        self._draw = draw
        self._credit_notes = 0
        self._term_days, self._term_to_month_end = PAYMENT_TERMS[customer.terms]

    def invoice(self, issue: int, number: str, *, draft: bool) -> Document:
        draw, customer, world = self._draw, self._customer, self._world
        net = int(customer.base_amount * (0.35 + 0.45 * pareto_two(draw(), 25.0)))
        net = max(_SMALLEST_NET, net - net % 5 + whole(draw, 5))
        gross = net + (net * customer.vat_per_mille + 500) // 1000
        currency = customer.currency
        if customer.mixes_currencies and draw() < 0.4:
            currency = BASE_CURRENCY
        status = DRAFT if draft else POSTED if draw() > 0.004 else VOID
        parts = self._parts(issue, gross)
        document = Document(
            world.ids.take("D"), INVOICE, number, issue, self._stated_due(parts), currency,
            gross, net, world.rate(currency, issue), "", status,
            _UNITS[int(draw() * 5)], _CHANNELS[int(draw() * 5)], parts, draw() < 0.5,
        )  # fmt: skip
        self._life.documents.append(document)
        return document

    def credit_note(self, invoice: Document, amount: int, day: int, *, linked: bool) -> Document:
        """A credit note of the invoice's customer; `linked` says which invoice it corrects."""
        self._credit_notes += 1
        net = (2 * amount * invoice.net + invoice.gross) // (2 * invoice.gross)
        number = f"AV-{self._customer.index + 1:06d}-{self._credit_notes:04d}"
        document = Document(
            self._world.ids.take("D"), CREDIT_NOTE, number, day, None, invoice.currency,
            amount, net, self._world.rate(invoice.currency, day),
            invoice.document_id if linked else "", POSTED,
            invoice.unit, invoice.channel, (Part(0, day, amount),), False,
        )  # fmt: skip
        self._life.documents.append(document)
        return document

    def _due(self, issue: int) -> int:
        due = issue + self._term_days
        return self._world.days.month_end[due] if self._term_to_month_end else due

    def _parts(self, issue: int, gross: int) -> tuple[Part, ...]:
        due = self._due(issue)
        if gross < _SMALLEST_SPLIT or self._draw() > 0.2:
            return (Part(0, due, gross),)
        count = 2 + whole(self._draw, 2)
        each = gross // count
        parts = [Part(n, due + 30 * (n - 1), each) for n in range(1, count)]
        parts.append(Part(count, due + 30 * (count - 1), gross - each * (count - 1)))
        return tuple(parts)

    def _stated_due(self, parts: tuple[Part, ...]) -> int | None:
        """A few invoices come without due date; only where the terms give the same date back."""
        silent = len(parts) == 1 and not self._term_to_month_end and self._draw() < 0.008
        return None if silent else parts[-1].due
