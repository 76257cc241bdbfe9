"""What is carried over is what a full build works out, whatever changed in between.

A ledger is published, rows of some of its customers change, and it is published again a few days
later: once with the month ends and the items of customers that may be carried over, once worked out
whole. Every table must be the same, to the last decimal that is not a zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, note, seed, settings
from hypothesis import strategies as st

from oracle.ledger import Customer, Document, Ledger, streams_of
from oracle.strategies import cases, choices
from oracle.workshop import Following, Workshop

pytestmark = pytest.mark.slow

THEN = date(2024, 6, 20)
# Of the publication before: the last one goes back in time.
FIRST_DATES = (THEN, date(2024, 6, 12), date(2024, 6, 1), date(2024, 6, 28))


def days_later(row: Any, column: str, days: int) -> Any:
    day = getattr(row, column)
    return row if day is None else replace(row, **{column: day + timedelta(days=days)})


# What a correction may do to a row of a stream.
CORRECTIONS: dict[str, list[Callable[[Any], Any]]] = {
    "customers": [
        lambda row: replace(row, sector="shops" if row.sector != "shops" else "sites"),
        lambda row: replace(row, channel="web" if row.channel != "web" else ""),
    ],
    "documents": [
        lambda row: replace(row, amount_incl_tax=row.amount_incl_tax * 2, amount_excl_tax=None),
        lambda row: days_later(row, "due_date", 15),
        lambda row: days_later(row, "issue_date", -9),
        lambda row: replace(row, status="void"),
        lambda row: replace(row, customer_id="C1"),
        lambda row: replace(row, project="north" if row.project != "north" else ""),
    ],
    "payments": [
        lambda row: days_later(row, "payment_date", -12),
        lambda row: replace(row, amount=row.amount * 2),
    ],
    "allocations": [
        lambda row: replace(row, reversed_on=None if row.reversed_on else THEN - timedelta(days=3)),
    ],
    "write_offs": [lambda row: days_later(row, "write_off_date", 20)],
    "disputes": [
        lambda row: replace(row, closed_on=None if row.closed_on else THEN),
        lambda row: replace(row, amount=None),
    ],
    "collection_cases": [lambda row: days_later(row, "opened_on", 5)],
    "promises": [lambda row: days_later(row, "promised_date", 5)],
}


@dataclass(frozen=True)
class Change:
    """The ledger of the first publication, and what was not yet known of it then."""

    before: Ledger
    after: Ledger
    first: date

    def __str__(self) -> str:
        return f"first published as of {self.first}:\n{self.before}\nthen as:\n{self.after}"


def owners_of(ledger: Ledger) -> dict[str, str]:
    """Customer of each document and payment."""
    return {
        **{payment.payment_id: payment.customer_id for payment in ledger.payments},
        **{document.document_id: document.customer_id for document in ledger.documents},
    }


def customer_of(row: Any, owners: dict[str, str]) -> str | None:
    """Whose row it is; that of a document or payment where it names only one of these."""
    return str(row.customer_id) if hasattr(row, "customer_id") else owners.get(row.document_id)


@st.composite
def changes(draw: st.DrawFn) -> Change:
    """A ledger, and the same before rows of it came or were corrected; recent ones more often."""
    after = draw(cases(THEN, is_foreign=draw(st.booleans()), is_choosing=True)).ledger
    before = after
    if draw(st.sampled_from([False] * 7 + [True])):
        before = replace(after, choices=draw(choices()))
    customers = [row.customer_id for row in after.customers]
    quiet = draw(st.sets(st.sampled_from(customers), min_size=min(1, len(customers) - 1)))
    owners = owners_of(after)
    for stream, rows in streams_of(after).items():
        kept = []
        for row in getattr(after, stream):
            kinds = ["same"] * 12 + ["came", "corrected"]
            kind = "same" if customer_of(row, owners) in quiet else draw(st.sampled_from(kinds))
            if kind == "corrected" and stream in CORRECTIONS:
                kept.append(draw(st.sampled_from(CORRECTIONS[stream]))(row))
            elif kind != "came" or stream in ("customers", "instalments"):
                kept.append(row)
        assert len(rows) >= len(kept)
        before = replace(before, **{stream: tuple(kept)})
    # A delivery without documents is refused.
    assume(before.documents)
    return Change(before, after, draw(st.sampled_from(FIRST_DATES)))


@pytest.fixture(scope="module")
def compiled(workshop: Workshop) -> Workshop:
    """The models compiled by a real build; its own books do not matter."""
    invoice = Document("I1", "invoice", "C1", THEN, Decimal(100))
    workshop.build_ledgers({"L": Ledger((Customer("C1"),), (invoice,))}, THEN, {"L": []})
    return workshop


def unlike(following: Following) -> dict[str, tuple[list[Any], list[Any]]]:
    """Table → rows of one way only, and of the other."""
    return {
        table: (
            [row for row in rows if row not in following.whole[table]][:3],
            [row for row in following.whole[table] if row not in rows][:3],
        )
        for table, rows in following.carried.items()
        if rows != following.whole[table]
    }


@pytest.mark.parametrize(
    ("examples", "number"),
    [(10, 5), pytest.param(150, 6, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])],
)
def test_what_is_carried_over_is_what_a_full_build_works_out(
    compiled: Workshop, examples: int, number: int
) -> None:
    carried: list[Following] = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(change=changes())
    def compare(change: Change) -> None:
        note(str(change))
        following = compiled.follow(change.before, change.after, change.first, THEN)
        carried.append(following)

        assert unlike(following) == {}

    compare()

    # Else it would compare full builds with full builds.
    assert sum(1 for following in carried if following.carried_dates) > examples / 2
    assert sum(1 for following in carried if following.carried_items) > examples / 4
