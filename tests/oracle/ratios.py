"""The oracle's DSO family: contracts §3, domain §2.1 to §2.3, and entries 23 to 28, 34, 36 and
76 of DECISIONS."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from oracle.balances import (
    ZERO,
    Books,
    Item,
    OpenItem,
    Settlement,
    Sum,
    bucket_of,
    rounded,
)
from oracle.choices import Choices
from oracle.ledger import Document


@dataclass(frozen=True)
class ExplainRow:
    revenue: Decimal
    consumed: Decimal
    days: Decimal


@dataclass(frozen=True)
class CountBack:
    """Days, and the months that they are made of; `remainder` is what no month explains."""

    days: Decimal
    status: str
    remainder: Decimal
    months: Mapping[date, ExplainRow]


@dataclass(frozen=True)
class Ratios:
    """A row of mart_dso; None where a figure cannot be had."""

    outstanding: Decimal
    dso_receivables: Decimal
    overdue: Decimal
    countback: CountBack
    best_possible: Decimal
    accounting_90: Decimal | None
    accounting_365: Decimal | None
    cei: Decimal | None
    overdue_ratio_amount: Decimal | None
    overdue_ratio_count: Decimal | None

    @property
    def average_days_delinquent(self) -> Decimal:
        return self.countback.days - self.best_possible


def count_back(
    receivables: Decimal,
    as_of: date,
    revenue: Mapping[date, Decimal],
    first_month: date | None,
    zero_month: str = "pass",
) -> CountBack:
    """Consume receivables by the revenue of months, backwards from the month of `as_of`.

    `revenue` is by first day of the month; a month that it lacks had none.
    """
    if receivables <= 0:
        return CountBack(ZERO, "no_debt", ZERO, {})
    days, carry, remainder = ZERO, ZERO, receivables
    months: dict[date, ExplainRow] = {}
    month = as_of.replace(day=1)
    while first_month is not None and month >= first_month and remainder > 0:
        days_in_month = Decimal(days_of_month(month, as_of))
        available = revenue.get(month, ZERO) + carry
        if available <= 0 and zero_month == "stop":
            break
        consumed, spent, carry = use_up(remainder, available, days_in_month)
        days += spent
        remainder -= consumed
        months[month] = ExplainRow(revenue.get(month, ZERO), consumed, spent)
        month = month_before(month)
    status = "ok" if remainder == 0 else "history_exhausted"
    return CountBack(days, status, remainder, months)


def count_back_by_days(
    receivables: Decimal, as_of: date, revenue: Mapping[date, Decimal], zero_month: str = "pass"
) -> CountBack:
    """The same loop on days, from `as_of` back to the first day that `revenue` has.

    Told by month. It is a month without sales, not a day, that may end it.
    """
    if receivables <= 0:
        return CountBack(ZERO, "no_debt", ZERO, {})
    revenue_of_month: dict[date, Decimal] = defaultdict(Decimal)
    for day, amount in revenue.items():
        revenue_of_month[day.replace(day=1)] += amount
    days, carry, remainder = ZERO, ZERO, receivables
    months: dict[date, ExplainRow] = {}
    day, first_day = as_of, min(revenue, default=date.max)
    while day >= first_day and remainder > 0:
        month = day.replace(day=1)
        if revenue_of_month.get(month, ZERO) <= 0 and zero_month == "stop":
            break
        if month not in revenue_of_month:
            # Nothing was issued: its days pass, all at once or a test would take minutes.
            passed = Decimal((day - month).days + 1)
            days += passed
            months[month] = ExplainRow(ZERO, ZERO, passed)
            day = month - timedelta(days=1)
            continue
        consumed, spent, carry = use_up(remainder, revenue.get(day, ZERO) + carry, Decimal(1))
        days += spent
        remainder -= consumed
        so_far = months.get(month, ExplainRow(revenue_of_month[month], ZERO, ZERO))
        months[month] = ExplainRow(so_far.revenue, so_far.consumed + consumed, so_far.days + spent)
        day -= timedelta(days=1)
    status = "ok" if remainder == 0 else "history_exhausted"
    return CountBack(days, status, remainder, months)


def use_up(
    remainder: Decimal, available: Decimal, days_in_period: Decimal
) -> tuple[Decimal, Decimal, Decimal]:
    """What a period consumes, the days that this takes, and what is carried to the one before."""
    if available <= 0:
        return ZERO, days_in_period, available
    if remainder >= available:
        return available, days_in_period, ZERO
    return remainder, days_in_period * remainder / available, ZERO


def days_of_month(month: date, as_of: date) -> int:
    """The month of `as_of` counts its days to date, any other all of them."""
    if (month.year, month.month) == (as_of.year, as_of.month):
        return as_of.day
    return calendar.monthrange(month.year, month.month)[1]


def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def previous_reporting_date(day: date, first: date) -> date | None:
    """The month end before `day`; None where the marts show none."""
    before = day.replace(day=1) - timedelta(days=1)
    return before if before >= first else None


class Scope:
    """Some customers of some ledgers that keep their books in one currency.

    What counts, and in which month, is the choice of each ledger; `choices` are those of the scope
    as a whole: of the ledger, or of the home where it spans several.
    """

    def __init__(
        self, parts: Iterable[tuple[Books, Iterable[str]]], choices: Choices | None = None
    ) -> None:
        self.parts = [(books, frozenset(members)) for books, members in parts]
        self.choices = choices or self.parts[0][0].choices
        self.currency = self.parts[0][0].ledger.base_currency
        self._open_items: dict[date, list[OpenItem]] = {}
        self._revenue: dict[date, dict[date, Decimal]] = {}
        self._counted_back: dict[tuple[Decimal, date], CountBack] = {}

    def holds_document(self, members: frozenset[str], document: Document) -> bool:
        return document.customer_id in members

    def holds_item(self, members: frozenset[str], item: Item) -> bool:
        return item.customer_id in members

    # --- sales ---------------------------------------------------------------------------------

    def invoiced(self, until: date) -> Iterator[tuple[Books, frozenset[str], Document]]:
        """Posted documents issued by then."""
        for books, members in self.parts:
            for document in books.ledger.documents:
                if (
                    document.status == "posted"
                    and document.issue_date <= until
                    and self.holds_document(members, document)
                ):
                    yield books, members, document

    def revenue(self, after: date, until: date) -> Decimal:
        """Incl. tax, of documents issued in (after, until], signed and rounded one by one."""
        return sum(
            (
                company_revenue(books, document, document.amount_incl_tax)
                for books, _, document in self.invoiced(until)
                if after < document.issue_date
            ),
            ZERO,
        )

    def revenue_by_day(self, until: date) -> dict[date, Decimal]:
        """A day with documents is there, also when credit notes were moved away from it."""
        if until not in self._revenue:
            self._revenue[until] = self._compute_revenue_by_day(until)
        return self._revenue[until]

    def _compute_revenue_by_day(self, until: date) -> dict[date, Decimal]:
        days: dict[date, Decimal] = defaultdict(Decimal)
        for books, members, document in self.invoiced(until):
            amount = company_revenue(books, document, document.amount_incl_tax)
            for invoice, part in credited_invoices(books, document, until):
                if self.holds_document(members, invoice):
                    days[invoice.issue_date] += part
                    amount -= part
            days[document.issue_date] += amount
        return dict(days)

    def revenue_by_month(self, until: date) -> dict[date, Decimal]:
        months: dict[date, Decimal] = defaultdict(Decimal)
        for day, amount in self.revenue_by_day(until).items():
            months[day.replace(day=1)] += amount
        return dict(months)

    # --- balances ------------------------------------------------------------------------------

    def open_items(self, day: date) -> list[OpenItem]:
        if day not in self._open_items:
            self._open_items[day] = [
                open_item
                for books, members in self.parts
                for open_item in books.open_items(day)
                if self.holds_item(members, open_item.item)
            ]
        return self._open_items[day]

    def aged_balance(self, day: date) -> dict[tuple[str, str], Sum]:
        """Currency, bucket → sums, by the choices of the scope."""
        sums: dict[tuple[str, str], Sum] = defaultdict(Sum)
        for books, members in self.parts:
            for key, part in self.aged_parts(books, members, day):
                before = sums[key]
                sums[key] = Sum(
                    before.open_amount + part.open_amount,
                    before.company_amount + part.company_amount,
                    before.items + part.items,
                )
        return dict(sums)

    def aged_parts(
        self, books: Books, members: frozenset[str], day: date
    ) -> Iterator[tuple[tuple[str, str], Sum]]:
        """Credits are netted customer by customer, before customers are added up."""
        for (customer, currency, bucket), part in books.aged_balance(day, self.choices).items():
            if customer in members:
                yield (currency, bucket), part

    def total(self, day: date) -> Decimal:
        return sum((one.company_amount for one in self.open_items(day)), ZERO)

    def receivables(self, day: date) -> Decimal:
        """What counts in the DSO."""
        return sum((one.dso_amount for one in self.open_items(day)), ZERO)

    def count_back(self, receivables: Decimal, day: date) -> CountBack:
        if (receivables, day) not in self._counted_back:
            self._counted_back[receivables, day] = self._compute_count_back(receivables, day)
        return self._counted_back[receivables, day]

    def _compute_count_back(self, receivables: Decimal, day: date) -> CountBack:
        if self.choices.countback_period == "day":
            by_day = self.revenue_by_day(day)
            return count_back_by_days(receivables, day, by_day, self.choices.zero_month)
        revenue = self.revenue_by_month(day)
        first_month = min(revenue, default=None)
        return count_back(receivables, day, revenue, first_month, self.choices.zero_month)

    def ratios(self, day: date, first_reporting_date: date) -> Ratios:
        invoices = [one for one in self.open_items(day) if one.item.item_type == "invoice"]
        overdue = [one for one in invoices if one.is_overdue]
        open_amount = sum((one.company_amount for one in invoices), ZERO)
        overdue_amount = sum((one.company_amount for one in overdue), ZERO)
        not_due = sum((one.dso_amount for one in invoices if not one.is_overdue), ZERO)
        return Ratios(
            outstanding=self.total(day),
            dso_receivables=self.receivables(day),
            overdue=overdue_amount,
            countback=self.count_back(self.receivables(day), day),
            best_possible=self.count_back(not_due, day).days,
            accounting_90=self._accounting(day, 90),
            accounting_365=self._accounting(day, 365),
            cei=self._cei(day, first_reporting_date, open_amount - overdue_amount),
            overdue_ratio_amount=overdue_amount / open_amount if open_amount else None,
            overdue_ratio_count=Decimal(len(overdue)) / len(invoices) if invoices else None,
        )

    def _accounting(self, day: date, days: int) -> Decimal | None:
        revenue = self.revenue(day - timedelta(days=days), day)
        return self.receivables(day) / revenue * days if revenue > 0 else None

    def _cei(self, day: date, first_reporting_date: date, not_due: Decimal) -> Decimal | None:
        before = previous_reporting_date(day, first_reporting_date)
        if before is None:
            return None
        expected = self.total(before) + self.revenue(before, day)
        divisor = expected - not_due
        return (expected - self.total(day)) / divisor * 100 if divisor else None


class DocumentScope(Scope):
    """Some documents of some ledgers: its receivables are its open invoices, its sales its
    invoices less its credit notes. What credits leave open belongs to no document attribute."""

    def holds_document(self, members: frozenset[str], document: Document) -> bool:
        return document.document_id in members

    def holds_item(self, members: frozenset[str], item: Item) -> bool:
        kind, name = item.holder
        return kind == "document" and item.item_type == "invoice" and name in members

    def aged_parts(
        self, books: Books, members: frozenset[str], day: date
    ) -> Iterator[tuple[tuple[str, str], Sum]]:
        for one in books.open_items(day):
            if self.holds_item(members, one.item):
                bucket = bucket_of(one.item, day, self.choices)
                part = Sum(one.open_amount, one.company_amount, 1)
                yield (one.item.currency_code, bucket), part


def credited_invoices(
    books: Books, credit_note: Document, day: date
) -> Iterator[tuple[Document, Decimal]]:
    """The invoices whose sales a credit note reduces at `day`, and by how much (below zero).

    The one that it names; where it names none, those that it settles.
    """
    if (
        credit_note.document_type != "credit_note"
        or books.choices.credit_note_month != "credited_invoice"
    ):
        return
    invoices = {
        document.document_id: document
        for document in books.ledger.documents
        if document.document_type == "invoice" and document.status == "posted"
    }
    if credit_note.credited_document_id:
        invoice = invoices[credit_note.credited_document_id]
        if invoice.issue_date <= day:
            yield invoice, company_revenue(books, credit_note, credit_note.amount_incl_tax)
        return
    settled: dict[str, Decimal] = defaultdict(Decimal)
    for settlement in books.settlements:
        if is_credited_by(settlement, credit_note) and settlement.is_in_force(day):
            settled[settlement.target[1]] += settlement.amount
    for name, amount in settled.items():
        yield invoices[name], company_revenue(books, credit_note, amount)


def is_credited_by(settlement: Settlement, credit_note: Document) -> bool:
    return settlement.kind == "credit_note" and settlement.source == (
        "document",
        credit_note.document_id,
    )


def company_revenue(books: Books, document: Document, amount: Decimal) -> Decimal:
    sign = 1 if document.document_type == "invoice" else -1
    return sign * rounded(
        amount * (document.exchange_rate or Decimal(1)), books.ledger.base_currency
    )


def reporting_dates(as_of: date, month_ends: int) -> list[date]:
    """The as-of date and the `month_ends` month ends before it, oldest first."""
    dates = [as_of]
    for _ in range(month_ends):
        dates.append(dates[-1].replace(day=1) - timedelta(days=1))
    return dates[::-1]
