"""Ledgers of every kind, made so that a failure shrinks to a few readable rows.

Amounts are simple where they can be, ids tell what a thing is (C1, I2, N1 credit note, P3, R1
refund, A4). What is drawn is always acceptable: nothing is settled beyond its amount at any date,
matched things share customer and currency; so is what is left of it when rows are left out. Every
part can be absent, unless the ledger is to be complete: then it has each kind of document, of
settlement and of state at least once, and some more at random.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from oracle.balances import MINOR_UNITS, TERMS, Holder, effective_date
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


Currency = dict[str, Any]
# How much of a room is taken.
Amounts = Callable[[Decimal], st.SearchStrategy[Decimal]]
NEVER: st.SearchStrategy[int | None] = st.none()


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
    return st.one_of(st.just(total), units_of(total, 0))


def less_than(total: Decimal) -> st.SearchStrategy[Decimal]:
    """Some of it, of what has more than one unit."""
    return units_of(total, 1)


def units_of(total: Decimal, kept: int) -> st.SearchStrategy[Decimal]:
    exponent = int(total.as_tuple().exponent)
    units = int(total.scaleb(-exponent))
    return st.integers(1, units - kept).map(lambda n: Decimal(n).scaleb(exponent))


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
    is_complete: bool = False,
    home: Chosen = (),
) -> Case:
    """A ledger as it may stand at `as_of`, and some days at which it is asked."""
    base = draw(st.sampled_from(bases))
    foreign = draw(st.sampled_from(FOREIGN[base] if is_foreign else (base,)))
    maker = _Maker(draw, as_of - timedelta(days=HISTORY_DAYS), (base, base, foreign))
    ledger = maker.complete_ledger() if is_complete else maker.ledger()
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
        self.names: dict[str, int] = defaultdict(int)
        self.documents: list[Document] = []
        self.instalments: list[Instalment] = []
        self.receipts: list[Payment] = []
        self.refunds: list[Payment] = []
        self.allocations: list[Allocation] = []
        self.write_offs: list[WriteOff] = []
        self.disputes: list[Dispute] = []
        self.collection_cases: list[CollectionCase] = []
        self.promises: list[Promise] = []

    @property
    def invoices(self) -> list[Document]:
        """Those that are owed, now or later."""
        return [d for d in self.documents if d.document_type == "invoice" and d.status == "posted"]

    @property
    def credit_notes(self) -> list[Document]:
        return [d for d in self.documents if d.document_type == "credit_note"]

    def name(self, letter: str) -> str:
        self.names[letter] += 1
        return f"{letter}{self.names[letter]}"

    def days(
        self, first: int = 0, last: int = HISTORY_DAYS + FUTURE_DAYS
    ) -> st.SearchStrategy[date]:
        return st.integers(first, last).map(lambda n: self.first_day + timedelta(days=n))

    def days_from(self, day: date) -> st.SearchStrategy[date]:
        return self.days(min(self.place(day), HISTORY_DAYS + FUTURE_DAYS))

    def place(self, day: date) -> int:
        return (day - self.first_day).days

    def numbers(self, most: int, least: int = 0) -> range:
        """1 to as many as there are of a thing: every other time the most."""
        counts = [*range(least, most), *(most,) * (most - least)]
        return range(1, self.draw(st.sampled_from(counts)) + 1)

    def ledger(self) -> Ledger:
        """Of any of these some or none, but for an invoice of somebody."""
        self.customers = tuple(self._customer() for _ in self.numbers(2, 1))
        self._make(1, ((self._some_invoice, 6),))
        self._make(
            0,
            (
                (self._some_credit_note, 2),
                (self._some_receipt, 5),
                (self._some_allocation, 8),
                (self._some_refund, 2),
                (self._some_write_off, 2),
                (self._some_dispute, 2),
                (self._some_case, 2),
                (self._some_promise, 4),
            ),
        )
        return self._made()

    def complete_ledger(self) -> Ledger:
        """Every kind at least once, in any order, and more of some."""
        self.customers = tuple(self._customer() for _ in self.numbers(2, 1))
        stories = self.draw(
            st.permutations((self._paid_together, self._paid_ahead, self._credited, self._bounced))
        )
        # One is told in the other currency, one in that of the books.
        told_in = (self.currencies[-1:], self.currencies[:1], self.currencies, self.currencies)
        for story, currencies in zip(stories, told_in, strict=True):
            story(self._customer_id(), self._currency(currencies))
        to_come = self.days(HISTORY_DAYS + 1, HISTORY_DAYS + FUTURE_DAYS)
        for status, days in (("posted", to_come), ("draft", self.days()), ("void", self.days())):
            self._invoice(self._customer_id(), self._currency(self.currencies), days, status)
        self._make(
            0,
            (
                (self._some_invoice, 1),
                (self._some_credit_note, 1),
                (self._some_receipt, 2),
                (self._some_allocation, 4),
                (self._some_refund, 1),
            ),
        )
        for is_whole in (True, False):
            self._dispute(is_whole=is_whole)
        for stage in ("collection", "litigation"):
            self._case(stage)
        for is_of_document in (True, False):
            self._promise(is_of_document=is_of_document)
        self._make(0, ((self._some_promise, 3),))
        return self._made()

    def _make(self, least: int, things: tuple[tuple[Callable[[], None], int], ...]) -> None:
        for make, most in things:
            for _ in self.numbers(most, least):
                make()

    def _made(self) -> Ledger:
        return Ledger(
            customers=self.customers,
            documents=tuple(self.documents),
            instalments=tuple(self.instalments),
            payments=(*self.receipts, *self.refunds),
            allocations=tuple(self.allocations),
            write_offs=tuple(self.write_offs),
            disputes=tuple(self.disputes),
            collection_cases=tuple(self.collection_cases),
            promises=tuple(self.promises),
            base_currency=self.base,
        )

    # --- stories that a complete ledger tells --------------------------------------------------

    def _paid_together(self, customer_id: str, currency: Currency) -> None:
        """A payment of a part of one invoice, of another in instalments, and of more than both."""
        past = self.days(0, HISTORY_DAYS)
        whole = self._invoice(customer_id, currency, past)
        divided = self._invoice(customer_id, currency, past)
        self._divide(divided)
        more = self.draw(amounts(currency["currency_code"]))
        paid = whole.amount_incl_tax + divided.amount_incl_tax + more
        receipt = self._receipt(customer_id, currency, paid, past)
        self._allocate(receipt, whole, amount=less_than)
        self._allocate(receipt, divided)

    def _paid_ahead(self, customer_id: str, currency: Currency) -> None:
        """An advance."""
        invoice = self._invoice(customer_id, currency, self.days(1, HISTORY_DAYS))
        before = self.days(0, self.place(invoice.issue_date) - 1)
        receipt = self._receipt(customer_id, currency, invoice.amount_incl_tax, before)
        self._allocate(receipt, invoice)

    def _credited(self, customer_id: str, currency: Currency) -> None:
        """A credit note that names its invoice, and one that names none and is paid out."""
        invoice = self._invoice(customer_id, currency, self.days())
        self._allocate(self._credit_note(customer_id, currency, invoice.document_id), invoice)
        alone = self._credit_note(customer_id, currency, "")
        refund = self._refund(customer_id, currency, alone.amount_incl_tax, self.days())
        self._pay_out(refund, alone)

    def _bounced(self, customer_id: str, currency: Currency) -> None:
        """Some of an invoice is written off; a payment of it did not hold."""
        past = self.days(0, HISTORY_DAYS - 1)
        invoice = self._invoice(customer_id, currency, past)
        self._write_off(invoice, less_than)
        receipt = self._receipt(customer_id, currency, invoice.amount_incl_tax, past)
        starts = effective_date([receipt.payment_date, invoice.issue_date])
        self._allocate(receipt, invoice, lasting=st.integers(1, HISTORY_DAYS - self.place(starts)))

    # --- things that are owed and paid ---------------------------------------------------------

    def _customer(self) -> Customer:
        return Customer(
            self.name("C"),
            sector=self.draw(st.sampled_from(("", "shops", "sites"))),
            region=self.draw(st.sampled_from(("", "", "north"))),
            size_band=self.draw(st.sampled_from(("", "1-9", "10-49"))),
            portfolio=self.draw(st.sampled_from(("", "key: accounts", "others"))),
            payment_terms=self.draw(st.sampled_from(("", *TERMS, "as agreed"))),
            channel=self.draw(st.sampled_from(CHANNELS)),
            tier=self.draw(st.sampled_from(TIERS)),
        )

    def _customer_id(self) -> str:
        return self.draw(st.sampled_from(self.customers)).customer_id

    def _currency(self, currencies: tuple[str, ...]) -> Currency:
        currency = self.draw(st.sampled_from(currencies))
        rate = None
        if currency != self.base:
            rate = Decimal(self.draw(st.sampled_from(RATES[self.base])))
        return {"currency_code": currency, "exchange_rate": rate}

    def _some_invoice(self) -> None:
        customer_id, currency = self._customer_id(), self._currency(self.currencies)
        status = self.draw(st.sampled_from(("posted",) * 8 + ("draft", "void")))
        invoice = self._invoice(customer_id, currency, self.days(), status)
        if status == "posted" and self.draw(st.booleans()):
            self._divide(invoice)

    def _invoice(
        self,
        customer_id: str,
        currency: Currency,
        issued: st.SearchStrategy[date],
        status: Any = "posted",
    ) -> Document:
        issue_date = self.draw(issued)
        amount = self.draw(amounts(currency["currency_code"]))
        # Now and then a day before the invoice, as of what is invoiced late.
        due_in = self.draw(st.one_of(st.none(), st.integers(-15, 120)))
        invoice = Document(
            document_id=self.name("I"),
            document_type="invoice",
            customer_id=customer_id,
            issue_date=issue_date,
            due_date=None if due_in is None else issue_date + timedelta(days=due_in),
            amount_incl_tax=amount,
            amount_excl_tax=self.draw(st.one_of(st.none(), part_of(amount))),
            status=status,
            **currency,
            **self._attributes(),
        )
        self.documents.append(invoice)
        return invoice

    def _attributes(self) -> dict[str, Any]:
        return {
            "channel": self.draw(st.sampled_from(CHANNELS)),
            "project": self.draw(st.sampled_from(PROJECTS)),
            "order_ref": self.draw(st.sampled_from(ORDER_REFS)),
        }

    def _divide(self, invoice: Document) -> None:
        """Into two or three instalments."""
        minor = MINOR_UNITS.get(invoice.currency_code, 2)
        units = int(invoice.amount_incl_tax.scaleb(minor))
        cuts = self.draw(st.lists(st.integers(1, units - 1), min_size=1, max_size=2, unique=True))
        edges = [0, *sorted(cuts), units]
        due_days = st.integers(0, 120).map(lambda n: invoice.issue_date + timedelta(days=n))
        self.instalments += [
            Instalment(
                invoice.document_id, place, self.draw(due_days), Decimal(end - start).scaleb(-minor)
            )
            for place, (start, end) in enumerate(pairwise(edges), start=1)
        ]

    def _some_credit_note(self) -> None:
        customer_id = self._customer_id()
        named = [i.document_id for i in self.invoices if i.customer_id == customer_id]
        self._credit_note(
            customer_id, self._currency(self.currencies), self.draw(st.sampled_from(["", *named]))
        )

    def _credit_note(self, customer_id: str, currency: Currency, credited: str) -> Document:
        amount = self.draw(amounts(currency["currency_code"]))
        credit_note = Document(
            document_id=self.name("N"),
            document_type="credit_note",
            customer_id=customer_id,
            issue_date=self.draw(st.sampled_from((None,) * 9 + (LONG_AGO,)))
            or self.draw(self.days()),
            amount_incl_tax=amount,
            amount_excl_tax=self.draw(st.one_of(st.none(), part_of(amount))),
            credited_document_id=credited,
            **currency,
            **self._attributes(),
        )
        self.documents.append(credit_note)
        return credit_note

    def _some_receipt(self) -> None:
        self._receipt(*self._some_payment(), self.days())

    def _some_refund(self) -> None:
        """Mostly of a credit note or of a receipt."""
        refund = self._refund(*self._some_payment(), self.days())
        paid_out = [
            one
            for one in (*self.credit_notes, *self.receipts)
            if (one.customer_id, one.currency_code) == (refund.customer_id, refund.currency_code)
        ]
        if paid_out:
            self._pay_out(refund, self.draw(st.sampled_from(paid_out)))

    def _some_payment(self) -> tuple[str, Currency, Decimal]:
        """Often the exact amount of an invoice, sometimes more or less."""
        paid = self.draw(st.sampled_from([None, *self.invoices, *self.credit_notes]))
        if paid is None:
            currency = self._currency(self.currencies)
            return self._customer_id(), currency, self.draw(amounts(currency["currency_code"]))
        currency = {"currency_code": paid.currency_code, "exchange_rate": paid.exchange_rate}
        factor = self.draw(st.sampled_from((1, 1, 2)))
        return paid.customer_id, currency, paid.amount_incl_tax * factor

    def _receipt(
        self, customer_id: str, currency: Currency, amount: Decimal, days: st.SearchStrategy[date]
    ) -> Payment:
        receipt = Payment(self.name("P"), customer_id, self.draw(days), amount, **currency)
        self.receipts.append(receipt)
        return receipt

    def _refund(
        self, customer_id: str, currency: Currency, amount: Decimal, days: st.SearchStrategy[date]
    ) -> Payment:
        name, day = self.name("R"), self.draw(days)
        refund = Payment(name, customer_id, day, amount, payment_type="refund", **currency)
        self.refunds.append(refund)
        return refund

    # --- what settles what ---------------------------------------------------------------------

    def _some_allocation(self) -> None:
        pairs = [
            (source, invoice)
            for source in (*self.receipts, *self.credit_notes)
            for invoice in self.invoices
            if (source.customer_id, source.currency_code)
            == (invoice.customer_id, invoice.currency_code)
        ]
        if not pairs:
            return
        source, invoice = self.draw(st.sampled_from(pairs))
        parts = [p for p in self.instalments if p.document_id == invoice.document_id]
        part = self.draw(st.sampled_from([None, None, *parts]))
        lasting = st.one_of(st.none(), st.none(), st.integers(1, 90))
        self._allocate(source, invoice, part, lasting=lasting)

    def _allocate(
        self,
        source: Payment | Document,
        invoice: Document,
        part: Instalment | None = None,
        *,
        amount: Amounts = part_of,
        lasting: st.SearchStrategy[int | None] = NEVER,
    ) -> None:
        """As much as both have room for, or some of it; for so many days, or for good."""
        key, capacity, day = holding(source)
        rooms: dict[Any, Decimal] = {
            key: capacity,
            ("document", invoice.document_id): invoice.amount_incl_tax,
        }
        if part is not None:
            rooms["instalment", part] = part.amount
        starts = effective_date([day, invoice.issue_date])
        settled = self._settled(rooms, starts, amount, lasting)
        if settled is not None:
            self.allocations.append(
                Allocation(
                    allocation_id=self.name("A"),
                    source_type="payment" if key[0] == "payment" else "credit_note",
                    source_id=key[1],
                    document_id=invoice.document_id,
                    amount=settled.amount,
                    instalment_no=part.instalment_no if part else None,
                    reversed_on=settled.ends,
                )
            )

    def _pay_out(self, refund: Payment, credit: Document | Payment) -> None:
        """Some or all of a credit note or of a receipt."""
        key, capacity, day = holding(credit)
        starts = effective_date([day, refund.payment_date])
        rooms: dict[Any, Decimal] = {key: capacity, ("payment", refund.payment_id): refund.amount}
        settled = self._settled(rooms, starts, part_of)
        if settled is not None:
            name = f"A{refund.payment_id}"
            self.allocations.append(
                Allocation(name, "payment", refund.payment_id, key[1], settled.amount)
            )

    def _settled(
        self,
        rooms: Mapping[Any, Decimal],
        starts: date,
        amount: Amounts,
        lasting: st.SearchStrategy[int | None] = NEVER,
    ) -> Span | None:
        room = min(self.rooms.room(key, capacity, starts) for key, capacity in rooms.items())
        if room <= 0:
            return None
        settled, after = self.draw(amount(room)), self.draw(lasting)
        span = Span(starts, starts + timedelta(days=after) if after else None, settled)
        self.rooms.take(list(rooms), span)
        return span

    def _some_write_off(self) -> None:
        if self.invoices:
            self._write_off(self.draw(st.sampled_from(self.invoices)), part_of)

    def _write_off(self, invoice: Document, amount: Amounts) -> None:
        day = self.draw(self.days_from(invoice.issue_date))
        rooms = {("document", invoice.document_id): invoice.amount_incl_tax}
        settled = self._settled(rooms, day, amount)
        if settled is not None:
            name = self.name("W")
            self.write_offs.append(WriteOff(name, invoice.document_id, day, settled.amount))

    # --- states and words ----------------------------------------------------------------------

    def _some_dispute(self) -> None:
        if self.invoices:
            self._dispute(is_whole=self.draw(st.booleans()))

    def _dispute(self, *, is_whole: bool) -> None:
        invoice = self.draw(st.sampled_from(self.invoices))
        opened, closed = self._interval(invoice)
        amount = None if is_whole else self.draw(part_of(invoice.amount_incl_tax))
        self.disputes.append(Dispute(self.name("D"), invoice.document_id, opened, closed, amount))

    def _some_case(self) -> None:
        if self.invoices:
            self._case(self.draw(st.sampled_from(("collection", "litigation"))))

    def _case(self, stage: Any) -> None:
        invoice = self.draw(st.sampled_from(self.invoices))
        opened, closed = self._interval(invoice)
        self.collection_cases.append(
            CollectionCase(self.name("K"), invoice.document_id, stage, opened, closed)
        )

    def _interval(self, invoice: Document) -> tuple[date, date | None]:
        opened = self.draw(self.days_from(invoice.issue_date))
        lasting = self.draw(st.one_of(st.none(), st.integers(1, 120)))
        return opened, None if lasting is None else opened + timedelta(days=lasting)

    def _some_promise(self) -> None:
        if self.invoices:
            self._promise(is_of_document=self.draw(st.sampled_from((True,) * 5 + (False,))))

    def _promise(self, *, is_of_document: bool) -> None:
        # Several of one invoice, as when a debtor puts it off or pays sooner.
        invoices = self.invoices
        invoice = self.draw(st.sampled_from(invoices[:1] * 3 + invoices[1:]))
        recorded = self.draw(self.days_from(invoice.issue_date))
        self.promises.append(
            Promise(
                promise_id=self.name("Q"),
                customer_id=invoice.customer_id,
                document_id=invoice.document_id if is_of_document else "",
                amount=self.draw(part_of(invoice.amount_incl_tax)),
                promised_date=recorded + timedelta(days=self.draw(st.integers(0, 250))),
                recorded_on=recorded,
            )
        )


def holding(source: Document | Payment) -> tuple[Holder, Decimal, date]:
    """Which thing it is, how much it can settle, and from when."""
    if isinstance(source, Payment):
        return ("payment", source.payment_id), source.amount, source.payment_date
    return ("document", source.document_id), source.amount_incl_tax, source.issue_date
