"""The oracle's cei_without_write_offs of mart_dso: DECISIONS 27 and the page of figures."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise

from oracle import settled
from oracle.balances import ZERO
from oracle.ratios import Scope
from oracle.tables import Quotient, Rows, Table

TABLE = Table(
    "mart_dso",
    ("as_of_date",),
    ("cei_without_write_offs",),
    owner=("scope_type", "scope_value"),
)


def cei_without_write_offs(scope: Scope, dates: Sequence[date]) -> Rows:
    """The first date has none before it to compare with."""
    return {
        (day,): {"cei_without_write_offs": _effectiveness(scope, before, day)}
        for before, day in pairwise(dates)
    } | {(dates[0],): {"cei_without_write_offs": None}}


def _effectiveness(scope: Scope, before: date, day: date) -> Quotient:
    expected = scope.total(before) + scope.revenue(before, day)
    not_due = sum(
        (
            one.company_amount
            for one in scope.open_items(day)
            if one.item.item_type == "invoice" and not one.is_overdue
        ),
        ZERO,
    )
    collected = expected - scope.total(day) - _written_off(scope, before, day)
    return Quotient(collected * 100, expected - not_due)


def _written_off(scope: Scope, after: date, until: date) -> Decimal:
    return sum(
        (
            amount
            for books, members in scope.parts
            for placed, amount in settled.written_off(books, after, until)
            if scope.holds_item(members, placed.item)
        ),
        ZERO,
    )
