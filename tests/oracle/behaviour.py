"""The oracle's payer behaviour: contracts §3 and DECISIONS 38 and 39, over (D − 3 months, D]."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from oracle.balances import ZERO, Books, Holder, Item, Placed, days_overdue
from oracle.ratios import company_revenue


@dataclass(frozen=True)
class Behaviour:
    """How a customer paid in the window; None where nothing was paid, or no more sold than
    credited: there is no share of a negative revenue. `_incl_open` counts what is overdue as if
    it were paid on the day."""

    avg_days_late_3m: Decimal | None
    avg_days_to_pay_3m: Decimal | None
    paid_company_amount_3m: Decimal
    overdue_company_amount: Decimal
    avg_days_late_incl_open_3m: Decimal | None
    avg_days_to_pay_incl_open_3m: Decimal | None
    revenue_ytd_company_amount: Decimal
    revenue_share_ytd: Decimal | None
    payments: int


@dataclass(frozen=True)
class Standing:
    """Where a customer stands among those of its entity: by what was paid, or with what is
    overdue. Who paid nothing has no rank."""

    rank: int | None
    percentile: Decimal | None
    payer_class: str


def behaviour_of(books: Books, customer_id: str, day: date) -> Behaviour:
    paid = [
        (placed, amount)
        for placed, amount in company_amounts(books, books.placed(day))
        if placed.settlement.kind == "payment"
        and placed.item.item_type == "invoice"
        and placed.item.customer_id == customer_id
        and three_months_before(day) < placed.settlement.starts <= day
    ]
    weight = sum((amount for _, amount in paid), ZERO)
    late = sum((days_late(placed) * amount for placed, amount in paid), ZERO)
    to_pay = sum((days_to_pay(placed) * amount for placed, amount in paid), ZERO)
    overdue = [
        (one.item, one.company_amount)
        for one in books.open_items(day)
        if one.is_overdue and one.item.customer_id == customer_id
    ]
    owed = sum((amount for _, amount in overdue), ZERO)
    owed_late = sum(((days_overdue(item, day) or 0) * amount for item, amount in overdue), ZERO)
    owed_since = sum(((day - item.issue_date).days * amount for item, amount in overdue), ZERO)
    revenue = revenue_ytd(books, customer_id, day)
    revenue_of_all = revenue_ytd(books, None, day)
    return Behaviour(
        avg_days_late_3m=late / weight if weight else None,
        avg_days_to_pay_3m=to_pay / weight if weight else None,
        paid_company_amount_3m=weight,
        overdue_company_amount=owed,
        avg_days_late_incl_open_3m=(late + owed_late) / (weight + owed) if weight + owed else None,
        avg_days_to_pay_incl_open_3m=(
            (to_pay + owed_since) / (weight + owed) if weight + owed else None
        ),
        revenue_ytd_company_amount=revenue,
        revenue_share_ytd=revenue / revenue_of_all if revenue_of_all > 0 else None,
        payments=len(paid),
    )


def payments_of_month(books: Books, day: date) -> list[tuple[str, int, Decimal]]:
    """Customer, days late and company amount of each payment on an instalment that took effect in
    the month of `day` and is in force at it. Several allocations of one payment to one instalment
    are one payment."""
    amounts: dict[tuple[Holder | None, Item, int], Decimal] = defaultdict(Decimal)
    for placed, amount in company_amounts(books, books.placed(day)):
        if (
            placed.settlement.kind == "payment"
            and placed.item.item_type == "invoice"
            and day.replace(day=1) <= placed.settlement.starts <= day
        ):
            amounts[placed.settlement.source, placed.item, days_late(placed)] += amount
    return [(item.customer_id, late, amount) for (_, item, late), amount in amounts.items()]


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


def company_amounts(books: Books, placed: Iterable[Placed]) -> list[tuple[Placed, Decimal]]:
    """What each took off the rounded balance of its item, oldest first, so that they add up."""
    room: dict[Item, Decimal] = {}
    amounts = []
    for one in sorted(placed, key=lambda p: (p.settlement.starts, p.settlement.settlement_id)):
        before = room.get(one.item, abs(one.item.original_amount))
        room[one.item] = before - one.amount
        company = books.company(one.item, before) - books.company(one.item, room[one.item])
        amounts.append((one, company))
    return amounts


def days_late(placed: Placed) -> int:
    assert placed.item.due_date is not None
    return (placed.settlement.starts - placed.item.due_date).days


def days_to_pay(placed: Placed) -> int:
    return (placed.settlement.starts - placed.item.issue_date).days


def three_months_before(day: date) -> date:
    """31 May − 3 months is the last day of February."""
    month = day.year * 12 + day.month - 1 - 3
    year, month_no = month // 12, month % 12 + 1
    return date(year, month_no, min(day.day, calendar.monthrange(year, month_no)[1]))


def revenue_ytd(books: Books, customer_id: str | None, day: date) -> Decimal:
    """Excl. tax, incl. tax where that is absent, of the calendar year to date."""
    total = ZERO
    for document in books.ledger.documents:
        amount = (
            document.amount_incl_tax
            if document.amount_excl_tax is None
            else document.amount_excl_tax
        )
        if (
            document.status == "posted"
            and document.issue_date.year == day.year
            and document.issue_date <= day
            and customer_id in (None, document.customer_id)
        ):
            total += company_revenue(books, document, amount)
    return total
