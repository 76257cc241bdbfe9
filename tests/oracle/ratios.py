"""The oracle's DSO family: contracts §3, domain §2.1 to §2.3, and entries 23 to 28 of DECISIONS."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from oracle.balances import ZERO, Books, bucket_of, month_end, rounded
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
    receivables: Decimal, as_of: date, revenue: Mapping[date, Decimal], first_month: date | None
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
        if available <= 0:
            consumed, spent, carry = ZERO, days_in_month, available
        elif remainder >= available:
            consumed, spent, carry = available, days_in_month, ZERO
        else:
            consumed, spent, carry = remainder, days_in_month * remainder / available, ZERO
        days += spent
        remainder -= consumed
        months[month] = ExplainRow(revenue.get(month, ZERO), consumed, spent)
        month = month_before(month)
    status = "ok" if remainder == 0 else "history_exhausted"
    return CountBack(days, status, remainder, months)


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
    """Some customers of some ledgers that keep their books in one currency."""

    def __init__(self, parts: Iterable[tuple[Books, Iterable[str]]]) -> None:
        self._parts = [(books, frozenset(customers)) for books, customers in parts]

    @cached_property
    def invoiced(self) -> list[tuple[Document, Decimal]]:
        """Posted documents with their revenue incl. tax, signed and rounded one by one."""
        return [
            (document, company_revenue(books, document, document.amount_incl_tax))
            for books, customers in self._parts
            for document in books.ledger.documents
            if document.status == "posted" and document.customer_id in customers
        ]

    def revenue(self, after: date, until: date) -> Decimal:
        """Of documents issued in (after, until]."""
        return sum((r for d, r in self.invoiced if after < d.issue_date <= until), ZERO)

    def revenue_by_month(self, until: date) -> dict[date, Decimal]:
        months: dict[date, Decimal] = {}
        for document, revenue in self.invoiced:
            if document.issue_date <= until:
                month = document.issue_date.replace(day=1)
                months[month] = months.get(month, ZERO) + revenue
        return months

    def open_items(self, day: date) -> list[tuple[str, str, Decimal]]:
        """Item type, bucket and company amount of every open item."""
        return [
            (item.item_type, bucket_of(item, day), books.company(item, amount))
            for books, customers in self._parts
            for item, amount in books.open_amounts(day).items()
            if item.customer_id in customers
        ]

    def total(self, day: date) -> Decimal:
        return sum((amount for *_, amount in self.open_items(day)), ZERO)

    def not_due(self, day: date) -> Decimal:
        return sum((a for _, bucket, a in self.open_items(day) if bucket == "not_due"), ZERO)

    def count_back(self, receivables: Decimal, day: date) -> CountBack:
        revenue = self.revenue_by_month(day)
        return count_back(receivables, day, revenue, min(revenue, default=None))

    def ratios(self, day: date, first_reporting_date: date) -> Ratios:
        invoices = [
            (bucket, amount) for kind, bucket, amount in self.open_items(day) if kind == "invoice"
        ]
        overdue = [amount for bucket, amount in invoices if bucket != "not_due"]
        open_amount = sum((amount for _, amount in invoices), ZERO)
        return Ratios(
            outstanding=self.total(day),
            overdue=sum(overdue, ZERO),
            countback=self.count_back(self.total(day), day),
            best_possible=self.count_back(self.not_due(day), day).days,
            accounting_90=self._accounting(day, 90),
            accounting_365=self._accounting(day, 365),
            cei=self._cei(day, first_reporting_date),
            overdue_ratio_amount=sum(overdue, ZERO) / open_amount if open_amount else None,
            overdue_ratio_count=Decimal(len(overdue)) / len(invoices) if invoices else None,
        )

    def _accounting(self, day: date, days: int) -> Decimal | None:
        revenue = self.revenue(day - timedelta(days=days), day)
        return self.total(day) / revenue * days if revenue > 0 else None

    def _cei(self, day: date, first_reporting_date: date) -> Decimal | None:
        before = previous_reporting_date(day, first_reporting_date)
        if before is None:
            return None
        expected = self.total(before) + self.revenue(before, day)
        divisor = expected - self.not_due(day)
        return (expected - self.total(day)) / divisor * 100 if divisor else None


def company_revenue(books: Books, document: Document, amount: Decimal) -> Decimal:
    sign = 1 if document.document_type == "invoice" else -1
    return sign * rounded(
        amount * (document.exchange_rate or Decimal(1)), books.ledger.base_currency
    )


def reporting_dates(as_of: date, month_ends: int) -> list[date]:
    """The last `month_ends` month ends and the as-of date, oldest first."""
    day = as_of if as_of == month_end(as_of) else as_of.replace(day=1) - timedelta(days=1)
    dates = [as_of]
    for _ in range(month_ends):
        dates.append(day)
        day = day.replace(day=1) - timedelta(days=1)
    return sorted(set(dates))
