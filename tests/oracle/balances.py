"""The oracle's balances: open items, positions, aged balance and outstanding of one ledger.

A second implementation of contracts §3 and domain §1, written from those texts and never from the
models: plain loops over rows, so that a reader can hold each rule against its sentence. Nothing
here is clever or fast.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from oracle import rates
from oracle.choices import Choices, Chosen, in_force
from oracle.ledger import Allocation, Dispute, Document, Ledger, Payment, Promise, WriteOff

ZERO = Decimal(0)
MINOR_UNITS = {"JPY": 0, "TND": 3}
# What the agreed terms of a customer mean: days, then whether to go to the end of the month before
# or after adding them.
TERMS = {
    "30 days": (30, "net"),
    "60 days": (60, "net"),
    "45 days eom": (45, "days, month end"),
    "eom 45": (45, "month end, days"),
}

ItemType = Literal["invoice", "credit_note", "payment", "refund"]
Holder = tuple[Literal["document", "payment"], str]


@dataclass(frozen=True)
class Item:
    """One instalment of an invoice, or one credit note, payment or refund. Its amount is signed."""

    holder: Holder
    instalment_no: int
    item_type: ItemType
    customer_id: str
    issue_date: date
    due_date: date | None
    currency_code: str
    original_amount: Decimal
    rate: Decimal

    @property
    def key(self) -> str:
        kind, name = self.holder
        return f"{name}/{self.instalment_no}" if kind == "document" else f"{name}/payment"


@dataclass(frozen=True)
class Settlement:
    """An amount that closes `target` and, unless written off, `source` in [starts, ends)."""

    settlement_id: str
    kind: Literal["payment", "credit_note", "refund", "write_off"]
    source: Holder | None
    target: Holder
    instalment_no: int | None
    amount: Decimal
    starts: date
    ends: date | None

    def is_in_force(self, day: date) -> bool:
        return self.starts <= day and (self.ends is None or day < self.ends)


@dataclass(frozen=True)
class Placed:
    """A settlement, or a part of it, on the instalment that it closes."""

    settlement: Settlement
    item: Item
    amount: Decimal


@dataclass(frozen=True)
class TakenOff:
    """What took off an item by a day, by kind and with the sign of the item; what payments that are
    known already take off it later; and when its first payment took effect."""

    paid: Decimal
    credited: Decimal
    written_off: Decimal
    paid_later: Decimal
    first_paid_on: date | None


@dataclass(frozen=True)
class Sum:
    """Amounts of some items added up; `open_amount` only where they share a currency."""

    open_amount: Decimal = ZERO
    company_amount: Decimal = ZERO
    items: int = 0

    def plus(self, open_amount: Decimal, company_amount: Decimal) -> Sum:
        return Sum(
            self.open_amount + open_amount, self.company_amount + company_amount, self.items + 1
        )

    def less(self, open_amount: Decimal, company_amount: Decimal) -> Sum:
        return Sum(self.open_amount - open_amount, self.company_amount - company_amount, self.items)


@dataclass(frozen=True)
class OpenItem:
    """An item that is open at a date, with what of it, and of its dispute, counts in the DSO."""

    item: Item
    open_amount: Decimal
    company_amount: Decimal
    dso_amount: Decimal
    disputed_dso_amount: Decimal
    is_overdue: bool


class Books:
    """What one ledger says at any date, in a home that made these choices."""

    def __init__(self, ledger: Ledger, home: Chosen = ()) -> None:
        self.ledger = ledger
        self.choices = in_force(home, ledger.choices)
        self.items = items_of(ledger, self.choices)
        self.items_by_holder: dict[Holder, list[Item]] = defaultdict(list)
        for item in self.items:
            self.items_by_holder[item.holder].append(item)
        self.settlements = settlements_of(ledger)
        self._placed: dict[date, list[Placed]] = {}
        self._open: dict[date, dict[Item, Decimal]] = {}
        self._open_items: dict[date, list[OpenItem]] = {}
        self._aged: dict[tuple[date, Choices], dict[tuple[str, str, str], Sum]] = {}

    def company(self, item: Item, amount: Decimal) -> Decimal:
        return rounded(amount * item.rate, self.ledger.base_currency)

    def placed(self, day: date) -> list[Placed]:
        """Every settlement in force at `day` on the instalments that it closes."""
        if day not in self._placed:
            self._placed[day] = self._compute_placed(day)
        return self._placed[day]

    def _compute_placed(self, day: date) -> list[Placed]:
        by_target: dict[Holder, list[Settlement]] = defaultdict(list)
        for settlement in self.settlements:
            if settlement.is_in_force(day):
                by_target[settlement.target].append(settlement)
        return [
            placed
            for target, settlements in by_target.items()
            for placed in place(self.items_by_holder[target], settlements)
        ]

    def open_amounts(self, day: date) -> dict[Item, Decimal]:
        """Signed open amount of every item of `day` that is not settled."""
        if day not in self._open:
            self._open[day] = self._compute_open_amounts(day)
        return self._open[day]

    def _compute_open_amounts(self, day: date) -> dict[Item, Decimal]:
        open_amounts = {item: item.original_amount for item in self.items if item.issue_date <= day}
        for placed in self.placed(day):
            open_amounts[placed.item] += towards_zero(placed.item, placed.amount)
            source = placed.settlement.source
            if source is not None:
                (item,) = self.items_by_holder[source]
                open_amounts[item] += towards_zero(item, placed.amount)
        return {item: amount for item, amount in open_amounts.items() if amount != 0}

    def open_items(self, day: date) -> list[OpenItem]:
        """What is open at `day`, with the company amounts that ratios add up."""
        if day not in self._open_items:
            self._open_items[day] = list(self._compute_open_items(day))
        return self._open_items[day]

    def _compute_open_items(self, day: date) -> Iterator[OpenItem]:
        disputed = self.disputed_amounts(day)
        for item, amount in self.open_amounts(day).items():
            company = self.company(item, amount)
            counted, in_dispute = company, self.company(item, disputed.get(item, ZERO))
            if self.choices.disputed_in_dso == "out":
                counted, in_dispute = counted - in_dispute, ZERO
            if self.choices.unapplied_in_dso == "out" and item.item_type != "invoice":
                counted = ZERO
            yield OpenItem(item, amount, company, counted, in_dispute, is_overdue(item, day))

    # --- what the marts show -------------------------------------------------------------------

    def positions(self, day: date) -> dict[str, tuple[Decimal, Decimal]]:
        """Item → open amount, company amount."""
        return {
            item.key: (amount, self.company(item, amount))
            for item, amount in self.open_amounts(day).items()
        }

    def revalued(self, day: date) -> dict[str, tuple[Decimal | None, date | None]]:
        """Item → open amount at the last rate of `day`, and the date of that rate.

        The base currency is worth what it says; without a rate nothing is known.
        """
        base = self.ledger.base_currency
        amounts: dict[str, tuple[Decimal | None, date | None]] = {}
        for item, amount in self.open_amounts(day).items():
            rate = rates.last_published(item.currency_code, base, day)
            if item.currency_code == base:
                amounts[item.key] = (self.company(item, amount), None)
            elif rate is None:
                amounts[item.key] = (None, None)
            else:
                amounts[item.key] = (rounded(amount * rate.rate, base), rate.rate_date)
        return amounts

    def ageing(self, day: date) -> dict[str, tuple[str, date | None, date | None]]:
        """Item → bucket, due date, day on which it is promised."""
        return {
            item.key: (
                bucket_of(item, day, self.choices),
                item.due_date,
                promised_date(self.ledger.promises, item, day),
            )
            for item in self.open_amounts(day)
        }

    def issue_ageing(self, day: date) -> dict[str, tuple[int, str]]:
        """Item → days since its issue, bucket of as many days."""
        return {
            item.key: ((day - item.issue_date).days, issue_bucket_of(item, day, self.choices))
            for item in self.open_amounts(day)
        }

    def taken_off(self, day: date) -> dict[str, TakenOff]:
        """Open item → what became of its original amount. A refund is money paid, like a receipt,
        and what settles two items takes off both."""
        amounts: dict[tuple[Item, str], Decimal] = defaultdict(Decimal)
        for placed in self.placed(day):
            kind = "payment" if placed.settlement.kind == "refund" else placed.settlement.kind
            source = placed.settlement.source
            sources = self.items_by_holder[source] if source is not None else ()
            for item in (placed.item, *sources):
                amounts[item, kind] -= towards_zero(item, placed.amount)
        later, first = self._paid_later(day), self._first_paid(day)
        return {
            item.key: TakenOff(
                paid=amounts[item, "payment"],
                credited=amounts[item, "credit_note"],
                written_off=amounts[item, "write_off"],
                paid_later=later[item],
                first_paid_on=first.get(item),
            )
            for item in self.open_amounts(day)
        }

    def _first_paid(self, day: date) -> dict[Item, date]:
        """Of the days up to `day` on which anything changed: the earliest payment on each item,
        whatever became of it."""
        changes = {at for s in self.settlements for at in (s.starts, s.ends) if at is not None}
        first: dict[Item, date] = {}
        for at in sorted(at for at in changes if at <= day):
            for placed in self.placed(at):
                if placed.settlement.kind == "payment":
                    starts = placed.settlement.starts
                    first[placed.item] = min(first.get(placed.item, starts), starts)
        return first

    def _paid_later(self, day: date) -> dict[Item, Decimal]:
        """What payments after `day` close of each instalment as they take effect. What is known to
        be reversed is no payment."""
        later: dict[Item, Decimal] = defaultdict(Decimal)
        for payment in self.settlements:
            if payment.kind != "payment" or payment.starts <= day or payment.ends is not None:
                continue
            items = self.items_by_holder[payment.target]
            if len(items) == 1:
                later[items[0]] += payment.amount
                continue
            # On one day, what takes effect comes before what ceases.
            before = [
                s
                for s in self.settlements
                if s.target == payment.target
                and (s.starts, s.settlement_id) < (payment.starts, payment.settlement_id)
                and (s.ends is None or s.ends >= payment.starts)
            ]
            closed_before = closed(items, before)
            for item, amount in closed(items, [*before, payment]).items():
                later[item] += amount - closed_before[item]
        return later

    def aged_by_issue_date(
        self, day: date, choices: Choices | None = None
    ) -> dict[tuple[str, str, str], Sum]:
        """As the aged balance, by the days since the issue."""
        choices = choices or self.choices
        oldest_first = oldest_issue_buckets_first(choices.bucket_limits)
        return self._aged_into(issue_bucket_of, oldest_first, day, choices)

    def aged_balance(
        self, day: date, choices: Choices | None = None
    ) -> dict[tuple[str, str, str], Sum]:
        """Customer, currency, bucket → sums; by other choices where balances span entities."""
        choices = choices or self.choices
        by = (day, choices)
        if by not in self._aged:
            oldest_first = oldest_buckets_first(choices.bucket_limits)
            self._aged[by] = self._aged_into(bucket_of, oldest_first, day, choices)
        return self._aged[by]

    def _aged_into(
        self,
        bucket: Callable[[Item, date, Choices], str],
        oldest_first: Sequence[str],
        day: date,
        choices: Choices,
    ) -> dict[tuple[str, str, str], Sum]:
        sums: dict[tuple[str, str, str], Sum] = defaultdict(Sum)
        for item, amount in self.open_amounts(day).items():
            key = (item.customer_id, item.currency_code, bucket(item, day, choices))
            sums[key] = sums[key].plus(amount, self.company(item, amount))
        if choices.unapplied == "oldest_first":
            return netted(sums, oldest_first, self.ledger.base_currency)
        return dict(sums)

    def debtors(self, day: date) -> dict[str, tuple[Decimal, int | None]]:
        """Customer → what it owes net of its credits and the days of its oldest due date; those
        that owe a residue are not shown."""
        customers: dict[str, list[Item]] = defaultdict(list)
        owed: dict[str, Decimal] = defaultdict(Decimal)
        for item, amount in self.open_amounts(day).items():
            customers[item.customer_id].append(item)
            owed[item.customer_id] += self.company(item, amount)
        return {
            customer: (
                owed[customer],
                max(
                    (days for item in items if (days := days_overdue(item, day)) is not None),
                    default=None,
                ),
            )
            for customer, items in customers.items()
            if owed[customer] > self.choices.display_residue
        }

    def future_documents(self, day: date) -> dict[str, Decimal]:
        """Posted document dated after `day` → its amount, credit notes negative."""
        return {
            document.document_id: -document.amount_incl_tax
            if document.document_type == "credit_note"
            else document.amount_incl_tax
            for document in self.ledger.documents
            if document.status == "posted" and document.issue_date > day
        }

    def overdue_invoices(self, day: date) -> dict[str, tuple[Decimal, int | None]]:
        """Invoice item → what is open of it, days overdue; without residues."""
        return {
            open_item.item.key: (open_item.company_amount, days_overdue(open_item.item, day))
            for open_item in self.open_items(day)
            if open_item.is_overdue and open_item.company_amount > self.choices.display_residue
        }

    def outstanding(self, day: date) -> dict[tuple[str, str], tuple[Decimal, int]]:
        """Customer, status → company amount, items. A partly disputed item is in both parts."""
        disputed = self.disputed_amounts(day)
        sums: dict[tuple[str, str], Sum] = defaultdict(Sum)
        for item, amount in self.open_amounts(day).items():
            company = self.company(item, amount)
            in_dispute = disputed.get(item, ZERO)
            company_in_dispute = company if in_dispute == amount else self.company(item, in_dispute)
            status = self._status(item, day)
            if status in ("not_due", "overdue") and in_dispute:
                disputed_key = (item.customer_id, "disputed")
                sums[disputed_key] = sums[disputed_key].plus(in_dispute, company_in_dispute)
                amount, company = amount - in_dispute, company - company_in_dispute
            if amount:
                key = (item.customer_id, status)
                sums[key] = sums[key].plus(amount, company)
        return {key: (sum_.company_amount, sum_.items) for key, sum_ in sums.items()}

    def disputed_amounts(self, day: date) -> dict[Item, Decimal]:
        """What of each open invoice item is disputed; of one document the oldest due date first."""
        disputes: dict[str, list[Dispute]] = defaultdict(list)
        for dispute in self.ledger.disputes:
            if dispute.opened_on <= day and (dispute.closed_on is None or day < dispute.closed_on):
                disputes[dispute.document_id].append(dispute)
        open_amounts = self.open_amounts(day)
        disputed: dict[Item, Decimal] = {}
        for document_id, of_document in disputes.items():
            is_whole = any(dispute.amount is None for dispute in of_document)
            rest = sum((dispute.amount or ZERO for dispute in of_document), ZERO)
            for item in oldest_first(self.items_by_holder["document", document_id]):
                is_open = item.item_type == "invoice" and item in open_amounts
                amount = open_amounts[item] if is_open else ZERO
                part = amount if is_whole else min(amount, rest)
                rest -= part
                if part:
                    disputed[item] = part
        return disputed

    def _status(self, item: Item, day: date) -> str:
        if item.item_type != "invoice":
            return "unapplied_credit"
        stages = {
            case.stage
            for case in self.ledger.collection_cases
            if ("document", case.document_id) == item.holder
            and case.opened_on <= day
            and (case.closed_on is None or day < case.closed_on)
        }
        for stage in ("litigation", "collection"):
            if stage in stages:
                return stage
        return "overdue" if is_overdue(item, day) else "not_due"


# --- items -------------------------------------------------------------------------------------


def items_of(ledger: Ledger, choices: Choices) -> tuple[Item, ...]:
    posted = [document for document in ledger.documents if document.status == "posted"]
    items = [item for document in posted for item in _document_items(ledger, document, choices)]
    return (*items, *(_payment_item(payment) for payment in ledger.payments))


def _document_items(ledger: Ledger, document: Document, choices: Choices) -> Iterable[Item]:
    parts = [
        (part.instalment_no, part.due_date, part.amount)
        for part in ledger.instalments
        if part.document_id == document.document_id
    ]
    is_invoice = document.document_type == "invoice"
    due = due_date_of(ledger, document, choices) if is_invoice else None
    whole = (1, due, document.amount_incl_tax)
    for instalment_no, due_date, amount in parts or [whole]:
        yield Item(
            holder=("document", document.document_id),
            instalment_no=instalment_no,
            item_type=document.document_type,
            customer_id=document.customer_id,
            issue_date=document.issue_date,
            due_date=due_date,
            currency_code=document.currency_code,
            original_amount=amount if is_invoice else -amount,
            rate=document.exchange_rate or Decimal(1),
        )


def _payment_item(payment: Payment) -> Item:
    is_refund = payment.payment_type == "refund"
    return Item(
        holder=("payment", payment.payment_id),
        instalment_no=1,
        item_type="refund" if is_refund else "payment",
        customer_id=payment.customer_id,
        issue_date=payment.payment_date,
        due_date=None,
        currency_code=payment.currency_code,
        original_amount=payment.amount if is_refund else -payment.amount,
        rate=payment.exchange_rate or Decimal(1),
    )


def due_date_of(ledger: Ledger, document: Document, choices: Choices) -> date:
    """The document's own, else by the customer's terms, else the days of the policy."""
    if document.due_date is not None:
        return document.due_date
    (customer,) = [c for c in ledger.customers if c.customer_id == document.customer_id]
    days, method = TERMS.get(customer.payment_terms, (choices.default_payment_days, "net"))
    if method == "month end, days":
        return month_end(document.issue_date) + timedelta(days)
    due_date = document.issue_date + timedelta(days)
    return month_end(due_date) if method == "days, month end" else due_date


def month_end(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the minor unit of the currency, half away from zero."""
    return amount.quantize(Decimal(1).scaleb(-MINOR_UNITS.get(currency, 2)), ROUND_HALF_UP)


def towards_zero(item: Item, amount: Decimal) -> Decimal:
    return -amount if item.original_amount > 0 else amount


def days_overdue(item: Item, day: date) -> int | None:
    """None of what has no due date: payments, refunds and credit notes."""
    if item.item_type != "invoice" or item.due_date is None:
        return None
    return (day - item.due_date).days


def is_overdue(item: Item, day: date) -> bool:
    return (days_overdue(item, day) or 0) > 0


def bucket_of(item: Item, day: date, choices: Choices) -> str:
    days = days_overdue(item, day)
    if days is None:
        if choices.unapplied != "own_date":
            return "unapplied_credit"
        days = (day - item.issue_date).days
    if days <= 0:
        return "not_due"
    first_day = 1
    for last_day in choices.bucket_limits:
        if days <= last_day:
            return f"overdue_{first_day}_{last_day}"
        first_day = last_day + 1
    return f"overdue_over_{choices.bucket_limits[-1]}"


def issue_bucket_of(item: Item, day: date, choices: Choices) -> str:
    """The limits of the due dates, from the day of the document on, which is its first."""
    if item.item_type != "invoice" and choices.unapplied != "own_date":
        return "unapplied_credit"
    first_day = 0
    for last_day in choices.bucket_limits:
        if (day - item.issue_date).days <= last_day:
            return f"issued_{first_day}_{last_day}"
        first_day = last_day + 1
    return f"issued_over_{choices.bucket_limits[-1]}"


def oldest_issue_buckets_first(limits: Sequence[int]) -> list[str]:
    first_days = [0, *(limit + 1 for limit in limits)]
    between = [f"issued_{first}_{last}" for first, last in zip(first_days, limits, strict=False)]
    return [f"issued_over_{limits[-1]}", *reversed(between)]


def oldest_buckets_first(limits: Sequence[int]) -> list[str]:
    first_days = [1, *(limit + 1 for limit in limits)]
    between = [f"overdue_{first}_{last}" for first, last in zip(first_days, limits, strict=False)]
    return [f"overdue_over_{limits[-1]}", *reversed(between), "not_due"]


def netted(
    sums: Mapping[tuple[str, str, str], Sum], buckets: Sequence[str], base_currency: str
) -> dict[tuple[str, str, str], Sum]:
    """What credits leave open, taken off the oldest bucket of the customer and currency, then the
    next; what exceeds them all stays. A part of a credit is worth its share of the company amount,
    rounded on the sum so far, so that the whole is worth the whole."""
    after = dict(sums)
    for (customer, currency, bucket), credit in sums.items():
        if bucket != "unapplied_credit" or credit.open_amount >= 0:
            continue
        used = used_company = ZERO
        for aged in buckets:
            key = (customer, currency, aged)
            if key not in sums:
                continue
            taken = min(-credit.open_amount - used, sums[key].open_amount)
            used += taken
            share = rounded(credit.company_amount * used / credit.open_amount, base_currency)
            after[key] = sums[key].less(taken, share - used_company)
            used_company = share
        after[customer, currency, bucket] = credit.less(-used, -used_company)
    return after


def promised_date(promises: Iterable[Promise], item: Item, day: date) -> date | None:
    """By the promise for the invoice that was recorded last, of one day by the latest date."""
    known = [
        (promise.recorded_on, promise.promised_date)
        for promise in promises
        if item.item_type == "invoice"
        and ("document", promise.document_id) == item.holder
        and promise.recorded_on <= day
    ]
    return max(known)[1] if known else None


# --- settlements -------------------------------------------------------------------------------


def settlements_of(ledger: Ledger) -> tuple[Settlement, ...]:
    """Allocations between two things that exist, and write-offs."""
    documents = {document.document_id: document for document in ledger.documents}
    payments = {payment.payment_id: payment for payment in ledger.payments}
    found = [_allocated(allocation, documents, payments) for allocation in ledger.allocations]
    return (*found, *(_written_off(write_off) for write_off in ledger.write_offs))


def _allocated(
    allocation: Allocation, documents: dict[str, Document], payments: dict[str, Payment]
) -> Settlement:
    refund = payments.get(allocation.source_id)
    is_refund = (
        allocation.source_type == "payment"
        and refund is not None
        and refund.payment_type == "refund"
    )
    target: Holder = ("document", allocation.document_id)
    if is_refund and allocation.document_id not in documents:
        target = ("payment", allocation.document_id)
    source: Holder = (
        "payment" if allocation.source_type == "payment" else "document",
        allocation.source_id,
    )
    dates = [
        documents[name].issue_date if kind == "document" else payments[name].payment_date
        for kind, name in (source, target)
    ]
    return Settlement(
        settlement_id=allocation.allocation_id,
        kind="refund" if is_refund else allocation.source_type,
        source=source,
        target=target,
        instalment_no=allocation.instalment_no,
        amount=allocation.amount,
        starts=effective_date(dates),
        ends=allocation.reversed_on,
    )


def effective_date(dates: Sequence[date]) -> date:
    """A settlement takes effect at the later of its two document dates."""
    return max(dates)


def _written_off(write_off: WriteOff) -> Settlement:
    return Settlement(
        settlement_id=write_off.write_off_id,
        kind="write_off",
        source=None,
        target=("document", write_off.document_id),
        instalment_no=write_off.instalment_no,
        amount=write_off.amount,
        starts=write_off.write_off_date,
        ends=None,
    )


def oldest_first(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (item.due_date or date.min, item.instalment_no))


def place(items: Sequence[Item], settlements: Iterable[Settlement]) -> list[Placed]:
    """Those that name an instalment close it; the others fill the oldest due date with room.

    In order of effective date, then id, which decides who closes what, never how much is open.
    """
    room = {item: abs(item.original_amount) for item in items}
    placed: list[Placed] = []

    def put(settlement: Settlement, item: Item, amount: Decimal) -> None:
        room[item] -= amount
        placed.append(Placed(settlement, item, amount))

    unnamed: list[Settlement] = []
    for settlement in settlements:
        named = [item for item in items if item.instalment_no == settlement.instalment_no]
        if named:
            put(settlement, named[0], settlement.amount)
        else:
            unnamed.append(settlement)
    for settlement in sorted(unnamed, key=lambda s: (s.starts, s.settlement_id)):
        rest = settlement.amount
        for item in oldest_first(items):
            part = min(rest, room[item])
            if part:
                put(settlement, item, part)
                rest -= part
        assert rest == 0, f"{settlement} is more than {items} can take"
    return placed


def closed(items: Sequence[Item], settlements: Iterable[Settlement]) -> dict[Item, Decimal]:
    """What settlements close of each instalment: those that name it, then the others by due date.

    On a day on which one of them is reversed they may exceed the whole: then that is closed.
    """
    amounts = dict.fromkeys(items, ZERO)
    rest = ZERO
    for settlement in settlements:
        named = [item for item in items if item.instalment_no == settlement.instalment_no]
        if named:
            amounts[named[0]] += settlement.amount
        else:
            rest += settlement.amount
    for item in oldest_first(items):
        part = min(rest, abs(item.original_amount) - amounts[item])
        amounts[item] += part
        rest -= part
    return amounts
