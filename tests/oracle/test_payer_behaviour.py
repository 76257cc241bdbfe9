"""Payer behaviour of random ledgers: mart_payer_behaviour against the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from oracle import behaviour
from oracle.balances import ZERO, Books
from oracle.behaviour import Behaviour, behaviour_of
from oracle.comparison import DIVISION_ERROR, MONTH_ENDS, Case
from oracle.ledger import Allocation, Customer, Document, Ledger, Payment
from oracle.ratios import Scope, reporting_dates
from oracle.strategies import cases
from oracle.workshop import Workshop

pytestmark = pytest.mark.slow

# Three months before the last of May is the end of a February that is not leap.
AS_OF = date(2023, 5, 31)
DATES = reporting_dates(AS_OF, MONTH_ENDS)
LEDGERS = 100
QUERY = """
select customer_id, as_of_date, avg_days_late_3m, avg_days_to_pay_3m, paid_company_amount_3m,
    revenue_share_ytd, dso_countback
from marts_candidate.mart_payer_behaviour
"""

# Paid within three months of the as-of date and more than 90 days before it: few ledgers drawn at
# random have such a day.
PAID_BETWEEN_THE_WINDOWS = Case(
    Ledger(
        customers=(Customer("C1"),),
        documents=(
            Document("I1", "invoice", "C1", date(2023, 1, 10), Decimal(100), date(2023, 2, 9)),
        ),
        payments=(Payment("P1", "C1", date(2023, 3, 1), Decimal(100)),),
        allocations=(Allocation("A1", "payment", "P1", "I1", Decimal(100)),),
    ),
    days=(),
)

Rows = dict[tuple[str, date], tuple[Any, ...]]


def drawn(*, is_foreign: bool) -> list[Case]:
    found: dict[Case, None] = {}

    @seed(6)
    @settings(
        max_examples=LEDGERS,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(AS_OF, is_foreign=is_foreign))
    def draw(case: Case) -> None:
        found.setdefault(case)

    draw()
    return list(found)


@pytest.fixture(scope="module")
def ledgers() -> dict[str, Case]:
    """Those of one currency have names that begin with B, the others with F."""
    return {"B": PAID_BETWEEN_THE_WINDOWS} | {
        f"{letter}{number}": case
        for letter, is_foreign in (("B", False), ("F", True))
        for number, case in enumerate(drawn(is_foreign=is_foreign))
    }


@pytest.fixture(scope="module")
def rows(workshop: Workshop, ledgers: dict[str, Case]) -> Rows:
    workshop.build_ledgers(
        {entity: case.ledger for entity, case in ledgers.items()}, AS_OF, dict.fromkeys(ledgers, ())
    )
    return {
        (customer, day): tuple(figures)
        for customer, day, *figures in workshop.connection.execute(QUERY).fetchall()
    }


def differences(ledgers: dict[str, Case], rows: Rows) -> Iterator[str]:
    for entity, case in ledgers.items():
        books = Books(case.ledger)
        for customer in case.ledger.customers:
            scope = Scope([(books, [customer.customer_id])])
            for day in DATES:
                ours = behaviour_of(books, customer.customer_id, day)
                days = scope.count_back(scope.total(day), day).days
                row = rows.get((f"files:{entity}:{customer.customer_id}", day))
                where = f"{customer.customer_id} at {day}"
                for difference in _differences(ours, days, row, entity.startswith("F")):
                    yield f"{where}, {difference}\n{case}"


def _differences(
    ours: Behaviour, days: Decimal, row: tuple[Any, ...] | None, is_foreign: bool
) -> Iterator[str]:
    if row is None:
        if ours.paid_company_amount_3m or ours.revenue_share_ytd or days:
            yield f"no row: oracle {ours}"
        return
    expected = {
        "avg_days_late_3m": ours.avg_days_late_3m,
        "avg_days_to_pay_3m": ours.avg_days_to_pay_3m,
        "paid_company_amount_3m": ours.paid_company_amount_3m,
        "revenue_share_ytd": ours.revenue_share_ytd,
        "dso_countback": days,
    }
    # In another currency, when a reversed payment stood between two others, either may bear the
    # cent that rounding leaves: one unit for each payment, and what it weighs in the means.
    slack = Decimal("0.01") * ours.payments if is_foreign else ZERO
    weight = ours.paid_company_amount_3m
    for (column, value), theirs in zip(expected.items(), row, strict=True):
        if value is None or theirs is None:
            if value is not theirs:
                yield f"{column}: oracle {value}, warehouse {theirs}"
            continue
        allowed = Decimal(1).scaleb(int(theirs.as_tuple().exponent)) / 2 + DIVISION_ERROR
        if column == "paid_company_amount_3m":
            allowed += slack
        elif column.startswith("avg") and weight:
            allowed += slack * 600 / weight
        if abs(value - theirs) > allowed:
            yield f"{column}: oracle {value:f}, warehouse {theirs:f}"


def test_payer_behaviour_agrees_with_the_oracle(ledgers: dict[str, Case], rows: Rows) -> None:
    assert not list(islice(differences(ledgers, rows), 3))


def test_customers_pay_in_many_of_the_ledgers(ledgers: dict[str, Case]) -> None:
    paying = [
        entity
        for entity, case in ledgers.items()
        if any(
            behaviour_of(Books(case.ledger), customer.customer_id, day).payments
            for customer in case.ledger.customers
            for day in DATES
        )
    ]

    assert len(paying) >= 40


def window_of_90_days(day: date) -> date:
    return date.fromordinal(day.toordinal() - 90)


def test_window_of_90_days_instead_of_three_months_is_found(
    ledgers: dict[str, Case], rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behaviour, "three_months_before", window_of_90_days)

    assert list(islice(differences(ledgers, rows), 1))
