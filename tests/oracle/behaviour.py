"""The oracle's mart_payer_behaviour and mart_late_payments: contracts §3; DECISIONS 38, 39, 43."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from oracle import settled
from oracle.balances import ZERO, Books, Holder, Item, Placed, days_overdue
from oracle.ledger import Document
from oracle.ratios import Scope, company_revenue
from oracle.tables import Quotient, Rows, Table, counted, plain

PAYERS = Table(
    "mart_payer_behaviour",
    ("customer_id", "as_of_date"),
    (
        "company_currency_code",
        "avg_days_late_3m",
        "avg_days_to_pay_3m",
        "paid_company_amount_3m",
        "overdue_company_amount",
        "avg_days_late_incl_open_3m",
        "avg_days_to_pay_incl_open_3m",
        "revenue_ytd_company_amount",
        "revenue_share_ytd",
        "dso_countback",
        "payer_rank",
        "payer_percentile",
        "payer_class",
        "payer_rank_incl_open",
        "payer_percentile_incl_open",
        "payer_class_incl_open",
    ),
)
LATE_PAYMENTS = Table(
    "mart_late_payments",
    ("month_start",),
    (
        "as_of_date",
        "company_currency_code",
        "payment_count",
        "on_time_count",
        "late_count",
        "paid_company_amount",
        "on_time_company_amount",
        "late_company_amount",
        "late_share_count",
        "late_share_amount",
        "avg_days_late_of_late",
    ),
    owner=("scope_type", "scope_value"),
)


@dataclass(frozen=True)
class Standing:
    """Where a customer stands among those of its entity: by what was paid, or with what is
    overdue. Who paid nothing has no rank."""

    rank: int | None
    percentile: Decimal | None
    payer_class: str


def payers(books: Books, customers: Mapping[str, Scope], dates: Sequence[date]) -> Rows:
    """Of each customer, with its standing among those of its entity."""
    rows: Rows = {}
    for day in dates:
        of_day = {
            customer: behaviour_of(books, scope, day) for customer, scope in customers.items()
        }
        for suffix in ("", "_incl_open"):
            averages = {
                customer: plain(row[f"avg_days_late{suffix}_3m"])
                for customer, row in of_day.items()
            }
            for customer, standing in standings(averages).items():
                of_day[customer] |= {
                    f"payer_rank{suffix}": standing.rank,
                    f"payer_percentile{suffix}": standing.percentile,
                    f"payer_class{suffix}": standing.payer_class,
                }
        rows |= {(customer, day): row for customer, row in of_day.items()}
    return rows


def behaviour_of(books: Books, customer: Scope, day: date) -> dict[str, object]:
    """How a customer paid in the window; nothing where nothing was paid, or no more sold than
    credited: there is no share of a negative revenue. `_incl_open` counts what is overdue as if
    it were paid on the day."""
    ((_, customers),) = customer.parts
    paid = [
        (placed, amount)
        for placed, amount in settled.in_force(books, day)
        if placed.settlement.kind == "payment"
        and placed.item.customer_id in customers
        and three_months_before(day) < placed.settlement.starts <= day
    ]
    weight = sum((amount for _, amount in paid), ZERO)
    late = sum((days_late(placed) * amount for placed, amount in paid), ZERO)
    to_pay = sum((days_to_pay(placed) * amount for placed, amount in paid), ZERO)
    overdue = [(one.item, one.company_amount) for one in customer.open_items(day) if one.is_overdue]
    owed = sum((amount for _, amount in overdue), ZERO)
    owed_late = sum(((days_overdue(item, day) or 0) * amount for item, amount in overdue), ZERO)
    owed_since = sum(((day - item.issue_date).days * amount for item, amount in overdue), ZERO)
    revenue = revenue_ytd(books, customers, day)
    return {
        "company_currency_code": books.ledger.base_currency,
        "avg_days_late_3m": Quotient(late, weight),
        "avg_days_to_pay_3m": Quotient(to_pay, weight),
        "paid_company_amount_3m": weight,
        "overdue_company_amount": owed,
        "avg_days_late_incl_open_3m": Quotient(late + owed_late, weight + owed),
        "avg_days_to_pay_incl_open_3m": Quotient(to_pay + owed_since, weight + owed),
        "revenue_ytd_company_amount": revenue,
        "revenue_share_ytd": Quotient(revenue, max(revenue_ytd(books, None, day), ZERO)),
        "dso_countback": customer.count_back(customer.receivables(day), day).days,
    }


def late_payments(scope: Scope, dates: Sequence[date]) -> Rows:
    """Of each month that ends at one of the dates, or is not over at the last one: the payments
    on an instalment that took effect in it and are in force at its end."""
    return {
        (day.replace(day=1),): dict(_late_payments_of(scope.currency, day, paid))
        for day in dates
        if (paid := list(_payments_of_month(scope, day)))
    }


def _payments_of_month(scope: Scope, day: date) -> Iterator[tuple[int, Decimal]]:
    """Days late and company amount of each. Several allocations of one payment to one instalment
    are one payment."""
    for books, customers in scope.parts:
        amounts: dict[tuple[Holder | None, Item, int], Decimal] = defaultdict(Decimal)
        for placed, amount in settled.in_force(books, day):
            if (
                placed.settlement.kind == "payment"
                and placed.item.customer_id in customers
                and day.replace(day=1) <= placed.settlement.starts
            ):
                amounts[placed.settlement.source, placed.item, days_late(placed)] += amount
        yield from ((late, amount) for (_, _, late), amount in amounts.items())


def _late_payments_of(
    currency: str, day: date, paid: list[tuple[int, Decimal]]
) -> Iterator[tuple[str, object]]:
    late = [(days, amount) for days, amount in paid if days > 0]
    amount = sum((amount for _, amount in paid), ZERO)
    late_amount = sum((amount for _, amount in late), ZERO)
    yield "as_of_date", day
    yield "company_currency_code", currency
    yield "payment_count", len(paid)
    yield "on_time_count", len(paid) - len(late)
    yield "late_count", len(late)
    yield "paid_company_amount", amount
    yield "on_time_company_amount", amount - late_amount
    yield "late_company_amount", late_amount
    yield "late_share_count", counted(late, paid)
    yield "late_share_amount", Quotient(late_amount, amount)
    days = sum((days * amount for days, amount in late), ZERO)
    yield "avg_days_late_of_late", Quotient(days, late_amount)


def standings(averages: Mapping[str, Decimal | None]) -> dict[str, Standing]:
    """Customers of one entity by the average shown; 1 pays earliest, equals share a place."""
    shown = {
        customer: None if average is None else average.quantize(Decimal("0.01"), ROUND_HALF_UP)
        for customer, average in averages.items()
    }
    ranked = [average for average in shown.values() if average is not None]
    found = {}
    for customer, average in shown.items():
        if average is None:
            found[customer] = Standing(None, None, "no_payment")
            continue
        before = sum(1 for other in ranked if other < average)
        # The only customer that is ranked is the best one.
        percentile = Decimal(before) / (len(ranked) - 1) if len(ranked) > 1 else ZERO
        found[customer] = Standing(before + 1, percentile, payer_class(average))
    return found


def payer_class(average: Decimal) -> str:
    for most_days, name in ((0, "on_time"), (10, "slightly_late"), (30, "late")):
        if average <= most_days:
            return name
    return "very_late"


def days_late(placed: Placed) -> int:
    assert placed.item.due_date is not None
    return (placed.settlement.starts - placed.item.due_date).days


def days_to_pay(placed: Placed) -> int:
    return (placed.settlement.starts - placed.item.issue_date).days


def three_months_before(day: date) -> date:
    return months_before(day, 3)


def months_before(day: date, months: int) -> date:
    """31 May − 3 months is the last day of February."""
    month = day.year * 12 + day.month - 1 - months
    year, month_no = month // 12, month % 12 + 1
    return date(year, month_no, min(day.day, calendar.monthrange(year, month_no)[1]))


def revenue_ytd(books: Books, customers: Container[str] | None, day: date) -> Decimal:
    """Excl. tax, incl. tax where that is absent, of the calendar year to date."""
    total = ZERO
    for document in books.ledger.documents:
        if (
            document.status == "posted"
            and document.issue_date.year == day.year
            and document.issue_date <= day
            and (customers is None or document.customer_id in customers)
        ):
            total += company_revenue(books, document, excl_tax(document))
    return total


def excl_tax(document: Document) -> Decimal:
    """Incl. tax where it does not name an amount without."""
    if document.amount_excl_tax is None:
        return document.amount_incl_tax
    return document.amount_excl_tax
