"""The oracle's mart_dso_bridge: DECISIONS 37 and the page of figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise

from oracle.balances import ZERO
from oracle.ratios import Scope
from oracle.tables import Difference, Rows, Table

TABLE = Table(
    "mart_dso_bridge",
    ("as_of_date",),
    (
        "previous_date",
        "dso_opening",
        "revenue_effect_days",
        "not_due_effect_days",
        "overdue_effect_days",
        "dispute_effect_days",
        "dso_closing",
        "company_currency_code",
        "opening_receivables_company_amount",
        "not_due_change_company_amount",
        "overdue_change_company_amount",
        "disputed_change_company_amount",
        "closing_receivables_company_amount",
    ),
    owner=("scope_type", "scope_value"),
)


@dataclass(frozen=True)
class Parts:
    """Receivables of the DSO. What is disputed is in neither of the others; credits are overdue."""

    not_due: Decimal
    overdue: Decimal
    disputed: Decimal

    @property
    def total(self) -> Decimal:
        return self.not_due + self.overdue + self.disputed


def bridge(scope: Scope, dates: Sequence[date]) -> Rows:
    return {(day,): dict(_steps(scope, before, day)) for before, day in pairwise(dates)}


def _steps(scope: Scope, before: date, day: date) -> Iterator[tuple[str, object]]:
    """One part after the other is replaced by that of `day`, on the sales of `day`."""
    opening, closing = parts(scope, before), parts(scope, day)
    sales, not_due, overdue, disputed = (
        scope.count_back(receivables, day).days
        for receivables in (
            opening.total,
            closing.not_due + opening.overdue + opening.disputed,
            closing.not_due + closing.overdue + opening.disputed,
            closing.total,
        )
    )
    dso_opening = scope.count_back(opening.total, before).days
    yield "previous_date", before
    yield "dso_opening", dso_opening
    yield "revenue_effect_days", Difference(sales - dso_opening)
    yield "not_due_effect_days", Difference(not_due - sales)
    yield "overdue_effect_days", Difference(overdue - not_due)
    yield "dispute_effect_days", Difference(disputed - overdue)
    yield "dso_closing", disputed
    yield "company_currency_code", scope.currency
    yield "opening_receivables_company_amount", opening.total
    yield "not_due_change_company_amount", closing.not_due - opening.not_due
    yield "overdue_change_company_amount", closing.overdue - opening.overdue
    yield "disputed_change_company_amount", closing.disputed - opening.disputed
    yield "closing_receivables_company_amount", closing.total


def parts(scope: Scope, day: date) -> Parts:
    not_due = overdue = disputed = ZERO
    for one in scope.open_items(day):
        is_overdue = one.is_overdue or one.item.item_type != "invoice"
        disputed += one.disputed_dso_amount
        if is_overdue:
            overdue += one.dso_amount - one.disputed_dso_amount
        else:
            not_due += one.dso_amount - one.disputed_dso_amount
    return Parts(not_due, overdue, disputed)
