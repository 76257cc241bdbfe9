"""Ledgers of every kind, made so that a failure shrinks to a few readable rows.

Every part can be absent, amounts shrink towards 100 and dates towards the first day, ids tell what
a thing is (C1, I2, N1 credit note, P3, R1 refund, A4). What is drawn is always acceptable: nothing
is settled beyond its amount at any date, matched things share customer and currency.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from oracle.balances import MINOR_UNITS, TERMS, effective_date
from oracle.choices import Chosen
from oracle.comparison import Case
from oracle.ledger import (
    Allocation,
    CollectionCase,
    Customer,
    Dispute,
    Document,
    Instalment,
    Ledger,
    Payment,
    Promise,
    WriteOff,
)

# Base currency → the other one of a ledger, mostly with cents, now and then with 0 or 3 decimals.
FOREIGN = {"EUR": ("USD", "USD", "JPY", "TND"), "JPY": ("USD",), "TND": ("EUR",)}
RATES = {
    "EUR": ("0.9213", "0.95", "1.0833335"),
    "JPY": ("150.25", "149.7", "161.123456"),
    "TND": ("3.3715", "3.4", "3.29995"),
}
HISTORY_DAYS = 420
# What a system gives that knows no date.
LONG_AGO = date(1970, 1, 1)
FUTURE_DAYS = 20
# Values of custom attributes; some are what keys and lists are made of.
CHANNELS = ("", "web", "shop: floor", "a|b c")
TIERS = ("", "1", "2")
PROJECTS = ("", "north", "south:east", "south")
ORDER_REFS = ("", *(f"PO-{number}" for number in range(1, 7)))
# Policy → values that an entity may choose; every one can also be the home's.
POLICIES = {
    "default_payment_days": ("0", "45", "30"),
    "bucket_limits": ("15|45", "30", "1|30|60|90|120|150", "30|60|90|120"),
    "unapplied": ("own_date", "oldest_first", "separate"),
    "zero_month": ("stop", "pass"),
    "countback_period": ("day", "month"),
    "credit_note_month": ("credited_invoice", "own"),
    "disputed_in_dso": ("out", "in"),
    "unapplied_in_dso": ("out", "in"),
    "display_residue": ("50", "250.05"),
}


@dataclass(frozen=True)
class Span:
    """A settled amount on a document, payment or instalment in [starts, ends)."""

    starts: date
    ends: date | None
    amount: Decimal


@dataclass
class Rooms:
    """How much more each thing can take from a day on, whatever was reversed before."""

    spans: dict[Any, list[Span]] = field(default_factory=lambda: defaultdict(list))

    def room(self, key: Any, capacity: Decimal, starts: date) -> Decimal:
        spans = self.spans[key]
        days = {starts, *(span.starts for span in spans if span.starts > starts)}
        return capacity - max(
            sum(
                (s.amount for s in spans if s.starts <= day and (s.ends is None or day < s.ends)),
                Decimal(0),
            )
            for day in days
        )

    def take(self, keys: list[Any], span: Span) -> None:
        for key in keys:
            self.spans[key].append(span)


def amounts(currency: str) -> st.SearchStrategy[Decimal]:
    """Any number of minor units; the simplest are round hundreds."""
    unit = Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2))
    return st.integers(1, 60_000).map(
        lambda n: Decimal(n * 100).quantize(unit) if n < 10 else n * unit
    )


def part_of(total: Decimal) -> st.SearchStrategy[Decimal]:
    """All of it, or some."""
    exponent = int(total.as_tuple().exponent)
    units = int(total.scaleb(-exponent))
    return st.one_of(
        st.just(total), st.integers(1, units).map(lambda n: Decimal(n).scaleb(exponent))
    )


def choices() -> st.SearchStrategy[Chosen]:
    """Of one entity: of each policy often nothing, so that the home's or the default holds."""
    values = [st.sampled_from(("",) * 2 + of) for of in POLICIES.values()]
    return st.tuples(*values).map(
        lambda chosen: tuple(
            (policy, value) for policy, value in zip(POLICIES, chosen, strict=True) if value
        )
    )


@st.composite
def cases(
    draw: st.DrawFn,
    as_of: date,
    bases: tuple[str, ...] = ("EUR",),
    *,
    is_foreign: bool = True,
    is_choosing: bool = False,
    home: Chosen = (),
) -> Case:
    """A ledger as it may stand at `as_of`, and some days at which it is asked."""
    base = draw(st.sampled_from(bases))
    foreign = draw(st.sampled_from(FOREIGN[base] if is_foreign else (base,)))
    maker = _Maker(draw, as_of - timedelta(days=HISTORY_DAYS), (base, base, foreign))
    ledger = maker.ledger()
    past = st.integers(0, HISTORY_DAYS).map(lambda n: maker.first_day + timedelta(days=n))
    days = draw(st.lists(past, min_size=2, max_size=4, unique=True))
    if is_choosing:
        ledger = replace(ledger, choices=draw(choices()))
    return Case(ledger, tuple(days), home)


# Days late that averages of a few payments often share, and the limits of the classes.
DAYS_LATE = (0, 10, 30, -3, 1, 11, 31, 45)


@st.composite
def paying_cases(draw: st.DrawFn, as_of: date) -> Case:
    """Customers that mostly pay, in the months before `as_of`: few ledgers of `cases` have two
    customers whose payments can be compared."""
    customers = [
        Customer(
            f"C{number}",
            region=draw(st.sampled_from(("", "north", "south"))),
            size_band=draw(st.sampled_from(("", "1-9", "10-49"))),
        )
        for number in range(1, draw(st.integers(2, 6)) + 1)
    ]
    documents, payments, allocations = [], [], []
    numbers = range(1, draw(st.integers(len(customers), 3 * len(customers))) + 1)
    for number in numbers:
        customer_id = draw(st.sampled_from(customers)).customer_id
        issued = as_of - timedelta(days=draw(st.integers(20, 200)))
        due = issued + timedelta(days=draw(st.sampled_from((0, 30, 60))))
        amount = draw(st.sampled_from((Decimal(100), Decimal(300), Decimal("33.33"))))
        documents.append(
            Document(f"I{number}", "invoice", customer_id, issued, amount, due_date=due)
        )
        paid = draw(st.one_of(st.none(), part_of(amount), st.just(amount)))
        if paid is None:
            continue
        day = max(issued, due + timedelta(days=draw(st.sampled_from(DAYS_LATE))))
        payments.append(Payment(f"P{number}", customer_id, day, paid))
        allocations.append(Allocation(f"A{number}", "payment", f"P{number}", f"I{number}", paid))
    ledger = Ledger(
        customers=tuple(customers),
        documents=tuple(documents),
        payments=tuple(payments),
        allocations=tuple(allocations),
    )
    return Case(ledger, ())


class _Maker:
    """Draws one ledger, row by row, and remembers what is still open."""

    def __init__(self, draw: st.DrawFn, first_day: date, currencies: tuple[str, ...]) -> None:
        self.draw = draw
        self.first_day = first_day
        self.base = currencies[0]
        self.currencies = currencies
        self.rooms = Rooms()

    def days(self, first: int = 0) -> st.SearchStrategy[date]:
        last = HISTORY_DAYS + FUTURE_DAYS
        return st.integers(first, last).map(lambda n: self.first_day + timedelta(days=n))

    def days_from(self, day: date) -> st.SearchStrategy[date]:
        return self.days(min((day - self.first_day).days, HISTORY_DAYS + FUTURE_DAYS))

    def numbers(self, most: int, least: int = 0) -> range:
        """1 to as many as there are of a thing: every other time the most."""
        counts = [*range(least, most), *(most,) * (most - least)]
        return range(1, self.draw(st.sampled_from(counts)) + 1)

    def ledger(self) -> Ledger:
        self.customers = tuple(self._customer(n) for n in self.numbers(2, 1))
        invoices = [self._invoice(n) for n in self.numbers(6, 1)]
        self.invoices = [invoice for invoice in invoices if invoice.status == "posted"]
        self.instalments = tuple(part for i in self.invoices for part in self._instalments(i))
        self.credit_notes = [self._credit_note(n) for n in self.numbers(2)]
        self.receipts = [self._payment(n, "receipt") for n in self.numbers(5)]
        self.refunds = [self._payment(n, "refund") for n in self.numbers(2)]
        allocations = [self._allocation(n) for n in self.numbers(8)]
        refunded = [self._refunded(refund) for refund in self.refunds]
        return Ledger(
            customers=self.customers,
            documents=(*invoices, *self.credit_notes),
            instalments=self.instalments,
            payments=(*self.receipts, *self.refunds),
            allocations=tuple(a for a in (*allocations, *refunded) if a is not None),
            write_offs=tuple(w for n in self.numbers(2) for w in self._write_off(n)),
            disputes=tuple(d for n in self.numbers(2) for d in self._dispute(n)),
            collection_cases=tuple(c for n in self.numbers(2) for c in self._case(n)),
            promises=tuple(p for n in self.numbers(4) for p in self._promise(n)),
            base_currency=self.base,
        )

    # --- things that are owed and paid ---------------------------------------------------------

    def _customer(self, number: int) -> Customer:
        return Customer(
            f"C{number}",
            sector=self.draw(st.sampled_from(("", "shops", "sites"))),
            region=self.draw(st.sampled_from(("", "", "north"))),
            size_band=self.draw(st.sampled_from(("", "1-9", "10-49"))),
            portfolio=self.draw(st.sampled_from(("", "key: accounts", "others"))),
            payment_terms=self.draw(st.sampled_from(("", *TERMS, "as agreed"))),
            channel=self.draw(st.sampled_from(CHANNELS)),
            tier=self.draw(st.sampled_from(TIERS)),
        )

    def _currency(self) -> dict[str, Any]:
        currency = self.draw(st.sampled_from(self.currencies))
        rate = None
        if currency != self.base:
            rate = Decimal(self.draw(st.sampled_from(RATES[self.base])))
        return {"currency_code": currency, "exchange_rate": rate}

    def _invoice(self, number: int) -> Document:
        issue_date = self.draw(self.days())
        currency = self._currency()
        amount = self.draw(amounts(currency["currency_code"]))
        due_in = self.draw(st.one_of(st.none(), st.integers(0, 120)))
        return Document(
            document_id=f"I{number}",
            document_type="invoice",
            customer_id=self.draw(st.sampled_from(self.customers)).customer_id,
            issue_date=issue_date,
            due_date=None if due_in is None else issue_date + timedelta(days=due_in),
            amount_incl_tax=amount,
            amount_excl_tax=self.draw(st.one_of(st.none(), part_of(amount))),
            status=self.draw(st.sampled_from(("posted",) * 8 + ("draft", "void"))),
            **currency,
            **self._attributes(),
        )

    def _attributes(self) -> dict[str, Any]:
        return {
            "channel": self.draw(st.sampled_from(CHANNELS)),
            "project": self.draw(st.sampled_from(PROJECTS)),
            "order_ref": self.draw(st.sampled_from(ORDER_REFS)),
        }

    def _instalments(self, invoice: Document) -> list[Instalment]:
        minor = MINOR_UNITS.get(invoice.currency_code, 2)
        units = int(invoice.amount_incl_tax.scaleb(minor))
        if units < 3 or not self.draw(st.booleans()):
            return []
        cuts = self.draw(st.lists(st.integers(1, units - 1), min_size=1, max_size=2, unique=True))
        edges = [0, *sorted(cuts), units]
        due_days = st.integers(0, 120).map(lambda n: invoice.issue_date + timedelta(days=n))
        return [
            Instalment(
                invoice.document_id, place, self.draw(due_days), Decimal(end - start).scaleb(-minor)
            )
            for place, (start, end) in enumerate(pairwise(edges), start=1)
        ]

    def _credit_note(self, number: int) -> Document:
        currency = self._currency()
        customer_id = self.draw(st.sampled_from(self.customers)).customer_id
        credited = [i.document_id for i in self.invoices if i.customer_id == customer_id]
        amount = self.draw(amounts(currency["currency_code"]))
        return Document(
            document_id=f"N{number}",
            document_type="credit_note",
            customer_id=customer_id,
            issue_date=self.draw(st.sampled_from((None,) * 9 + (LONG_AGO,)))
            or self.draw(self.days()),
            amount_incl_tax=amount,
            amount_excl_tax=self.draw(st.one_of(st.none(), part_of(amount))),
            credited_document_id=self.draw(st.sampled_from(["", *credited])),
            **currency,
            **self._attributes(),
        )

    def _payment(self, number: int, payment_type: Any) -> Payment:
        """Often the exact amount of an invoice, sometimes more or less."""
        letter = "P" if payment_type == "receipt" else "R"
        payment_id, payment_date = f"{letter}{number}", self.draw(self.days())
        paid = self.draw(st.sampled_from([None, *self.invoices, *self.credit_notes]))
        if paid is None:
            currency = self._currency()
            amount = self.draw(amounts(currency["currency_code"]))
            customer_id = self.draw(st.sampled_from(self.customers)).customer_id
        else:
            currency = {"currency_code": paid.currency_code, "exchange_rate": paid.exchange_rate}
            factor = self.draw(st.sampled_from((1, 1, 2)))
            amount, customer_id = paid.amount_incl_tax * factor, paid.customer_id
        return Payment(
            payment_id, customer_id, payment_date, amount, payment_type=payment_type, **currency
        )

    # --- what settles what ---------------------------------------------------------------------

    def _allocation(self, number: int) -> Allocation | None:
        sources = [
            ("payment", p.payment_id, p.payment_date, p.amount, p.customer_id, p.currency_code)
            for p in self.receipts
        ] + [
            (
                *("credit_note", n.document_id, n.issue_date, n.amount_incl_tax),
                *(n.customer_id, n.currency_code),
            )
            for n in self.credit_notes
        ]
        pairs = [
            (source, invoice)
            for source in sources
            for invoice in self.invoices
            if source[4:] == (invoice.customer_id, invoice.currency_code)
        ]
        if not pairs:
            return None
        source, invoice = self.draw(st.sampled_from(pairs))
        starts = effective_date([source[2], invoice.issue_date])
        parts = [p for p in self.instalments if p.document_id == invoice.document_id]
        part = self.draw(st.sampled_from([None, None, *parts]))
        rooms = {
            (source[0], source[1]): source[3],
            ("invoice", invoice.document_id): invoice.amount_incl_tax,
        }
        if part is not None:
            rooms["instalment", part] = part.amount
        settled = self._settled(rooms, starts, reversible=True)
        if settled is None:
            return None
        return Allocation(
            allocation_id=f"A{number}",
            source_type=source[0],  # type: ignore[arg-type]
            source_id=source[1],
            document_id=invoice.document_id,
            amount=settled.amount,
            instalment_no=part.instalment_no if part else None,
            reversed_on=settled.ends,
        )

    def _refunded(self, refund: Payment) -> Allocation | None:
        """A refund pays out a credit note or a receipt."""
        targets = [
            ("credit_note", n.document_id, n.issue_date, n.amount_incl_tax)
            for n in self.credit_notes
            if (n.customer_id, n.currency_code) == (refund.customer_id, refund.currency_code)
        ] + [
            ("payment", p.payment_id, p.payment_date, p.amount)
            for p in self.receipts
            if (p.customer_id, p.currency_code) == (refund.customer_id, refund.currency_code)
        ]
        if not targets:
            return None
        kind, name, issued, amount = self.draw(st.sampled_from(targets))
        starts = effective_date([issued, refund.payment_date])
        rooms = {(kind, name): amount, ("payment", refund.payment_id): refund.amount}
        settled = self._settled(rooms, starts, reversible=False)
        if settled is None:
            return None
        return Allocation(
            f"A{refund.payment_id}", "payment", refund.payment_id, name, settled.amount
        )

    def _settled(self, rooms: dict[Any, Decimal], starts: date, *, reversible: bool) -> Span | None:
        room = min(self.rooms.room(key, capacity, starts) for key, capacity in rooms.items())
        if room <= 0:
            return None
        amount = self.draw(part_of(room))
        after = self.draw(st.one_of(st.none(), st.none(), st.integers(1, 90)))
        ends = starts + timedelta(days=after) if reversible and after else None
        span = Span(starts, ends, amount)
        self.rooms.take(list(rooms), span)
        return span

    def _write_off(self, number: int) -> list[WriteOff]:
        if not self.invoices:
            return []
        invoice = self.draw(st.sampled_from(self.invoices))
        day = self.draw(self.days_from(invoice.issue_date))
        rooms: dict[Any, Decimal] = {("invoice", invoice.document_id): invoice.amount_incl_tax}
        settled = self._settled(rooms, day, reversible=False)
        if settled is None:
            return []
        return [WriteOff(f"W{number}", invoice.document_id, day, settled.amount)]

    # --- states and words ----------------------------------------------------------------------

    def _dispute(self, number: int) -> list[Dispute]:
        if not self.invoices:
            return []
        invoice = self.draw(st.sampled_from(self.invoices))
        opened, closed = self._interval(invoice)
        amount = self.draw(st.one_of(st.none(), part_of(invoice.amount_incl_tax)))
        return [Dispute(f"D{number}", invoice.document_id, opened, closed, amount)]

    def _case(self, number: int) -> list[CollectionCase]:
        if not self.invoices:
            return []
        invoice = self.draw(st.sampled_from(self.invoices))
        opened, closed = self._interval(invoice)
        stage: Any = self.draw(st.sampled_from(("collection", "litigation")))
        return [CollectionCase(f"K{number}", invoice.document_id, stage, opened, closed)]

    def _interval(self, invoice: Document) -> tuple[date, date | None]:
        opened = self.draw(self.days_from(invoice.issue_date))
        lasting = self.draw(st.one_of(st.none(), st.integers(1, 120)))
        return opened, None if lasting is None else opened + timedelta(days=lasting)

    def _promise(self, number: int) -> list[Promise]:
        if not self.invoices:
            return []
        # Several of one invoice, as when a debtor puts it off or pays sooner; some of no document.
        invoice = self.draw(st.sampled_from(self.invoices[:1] * 3 + self.invoices[1:]))
        recorded = self.draw(self.days_from(invoice.issue_date))
        return [
            Promise(
                promise_id=f"Q{number}",
                customer_id=invoice.customer_id,
                document_id=self.draw(st.sampled_from((invoice.document_id,) * 5 + ("",))),
                amount=self.draw(part_of(invoice.amount_incl_tax)),
                promised_date=recorded + timedelta(days=self.draw(st.integers(0, 250))),
                recorded_on=recorded,
            )
        ]
