"""How customers pay: books of customers that mostly do, against the oracle.

Those of the other random ledgers have one or two customers, and few payments to compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from oracle import behaviour
from oracle.batches import Batch, BuiltBatch, agree, agree_together, build
from oracle.behaviour import PAYERS, Standing
from oracle.ledger import Allocation, Customer, Document, Ledger, Payment
from oracle.strategies import cases, paying_cases
from oracle.workshop import Workshop

pytestmark = pytest.mark.slow

# Three months before the last of May is the end of a February that is not leap.
AS_OF = date(2023, 5, 31)

# Paid within three months of the as-of date and more than 90 days before it: few ledgers drawn at
# random have such a day.
PAID_BETWEEN_THE_WINDOWS = Ledger(
    customers=(Customer("C1"),),
    documents=(Document("I1", "invoice", "C1", date(2023, 1, 10), Decimal(100), date(2023, 2, 9)),),
    payments=(Payment("P1", "C1", date(2023, 3, 1), Decimal(100)),),
    allocations=(Allocation("A1", "payment", "P1", "I1", Decimal(100)),),
)

# Days late of one payment each: both sides of the limit of every class, and two that pay alike.
DAYS_LATE = (-1, 0, 1, 10, 10, 11, 30, 31)


def paid_on_the_limits() -> Ledger:
    """A customer for each number of days late, and one that pays nothing."""
    names = [f"C{number}" for number in range(1, len(DAYS_LATE) + 2)]
    due = date(2023, 4, 1)
    late = list(zip(names, DAYS_LATE, strict=False))
    return Ledger(
        customers=tuple(Customer(name) for name in names),
        documents=tuple(
            Document(f"I-{name}", "invoice", name, date(2023, 3, 20), Decimal(100), due)
            for name in names
        ),
        payments=tuple(
            Payment(f"P-{name}", name, due + timedelta(days=days), Decimal(100))
            for name, days in late
        ),
        allocations=tuple(
            Allocation(f"A-{name}", "payment", f"P-{name}", f"I-{name}", Decimal(100))
            for name, _ in late
        ),
    )


PAYING = Batch(
    AS_OF,
    seed=6,
    of=(
        (cases(AS_OF, is_foreign=False, is_choosing=True), 60),
        (paying_cases(AS_OF), 40),
    ),
    made=(PAID_BETWEEN_THE_WINDOWS, paid_on_the_limits()),
)


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> BuiltBatch:
    return build(PAYING, workshop)


@pytest.fixture(scope="module")
def rows(built: BuiltBatch) -> list[dict[str, Any]]:
    """Of mart_payer_behaviour."""
    return [
        {**figures, "customer_id": customer, "as_of_date": day}
        for of_entity in built.marts.tables[PAYERS.name].values()
        for (customer, day), figures in of_entity.items()
    ]


def test_every_ledger_agrees_with_the_oracle(built: BuiltBatch, workshop: Workshop) -> None:
    agree(built, workshop)


def test_segments_agree_with_the_oracle(built: BuiltBatch, workshop: Workshop) -> None:
    agree_together(built, workshop)


def test_customers_pay_in_many_of_the_ledgers(rows: list[dict[str, Any]]) -> None:
    paying = {row["customer_id"].split(":")[1] for row in rows if row["paid_company_amount_3m"]}

    assert len(paying) >= 40


def test_every_class_is_there_and_customers_share_places(rows: list[dict[str, Any]]) -> None:
    classes = {row["payer_class"] for row in rows}
    of_limits = [row for row in rows if ":M2:" in row["customer_id"] and row["as_of_date"] == AS_OF]

    assert classes == {"on_time", "slightly_late", "late", "very_late", "no_payment"}
    assert sorted(row["payer_rank"] or 0 for row in of_limits) == [0, 1, 2, 3, 4, 4, 6, 7, 8]


def test_many_customers_stand_behind_another(rows: list[dict[str, Any]]) -> None:
    behind = [row for row in rows if (row["payer_rank"] or 0) > 1]

    assert len(behind) >= 100


def window_of_90_days(day: date) -> date:
    return date.fromordinal(day.toordinal() - 90)


def test_window_of_90_days_instead_of_three_months_is_found(
    built: BuiltBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behaviour, "three_months_before", window_of_90_days)

    assert any(built.differences())


CORRECT_STANDINGS = behaviour.standings


def dense(averages: Mapping[str, Decimal | None]) -> dict[str, Standing]:
    """Who shares a place leaves none free after it."""
    places = sorted({average for average in averages.values() if average is not None})
    return {
        customer: replace(standing, rank=places.index(averages[customer]) + 1)
        if standing.rank
        else standing
        for customer, standing in CORRECT_STANDINGS(averages).items()
    }


def test_shared_place_that_leaves_none_free_is_found(
    built: BuiltBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behaviour, "standings", dense)

    assert any(built.differences())
