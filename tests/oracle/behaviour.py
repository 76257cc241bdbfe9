"""The oracle's payer behaviour: contracts §3, over (D − 3 months, D]."""

from __future__ import annotations

import calendar
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from oracle.balances import ZERO, Books, Item, Placed
from oracle.ratios import company_revenue


@dataclass(frozen=True)
class Behaviour:
    """How a customer paid in the window; None where nothing was paid, or no more sold than
    credited: there is no share of a negative revenue."""

    avg_days_late_3m: Decimal | None
    avg_days_to_pay_3m: Decimal | None
    paid_company_amount_3m: Decimal
    revenue_share_ytd: Decimal | None
    payments: int


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
    revenue = revenue_ytd(books, customer_id, day)
    revenue_of_all = revenue_ytd(books, None, day)
    return Behaviour(
        avg_days_late_3m=late / weight if weight else None,
        avg_days_to_pay_3m=to_pay / weight if weight else None,
        paid_company_amount_3m=weight,
        revenue_share_ytd=revenue / revenue_of_all if revenue_of_all > 0 else None,
        payments=len(paid),
    )


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
