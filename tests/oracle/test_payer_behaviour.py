"""Payer behaviour of random ledgers: mart_payer_behaviour against the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from psycopg.rows import dict_row

from oracle import behaviour
from oracle.balances import ZERO
from oracle.behaviour import Behaviour, Standing, behaviour_of
from oracle.comparison import DIVISION_ERROR, MONTH_ENDS, Case
from oracle.ledger import Allocation, Customer, Document, Ledger, Payment
from oracle.ratios import Scope, reporting_dates
from oracle.segments import customer_scopes
from oracle.strategies import cases, paying_cases
from oracle.workshop import Workshop

pytestmark = pytest.mark.slow

# Three months before the last of May is the end of a February that is not leap.
AS_OF = date(2023, 5, 31)
DATES = reporting_dates(AS_OF, MONTH_ENDS)
LEDGERS = 100
PAYING_LEDGERS = 40
QUERY = """
select customer_id, as_of_date, avg_days_late_3m, avg_days_to_pay_3m, paid_company_amount_3m,
    overdue_company_amount, avg_days_late_incl_open_3m, avg_days_to_pay_incl_open_3m,
    revenue_ytd_company_amount, revenue_share_ytd, dso_countback, payer_rank, payer_percentile,
    payer_class, payer_rank_incl_open, payer_percentile_incl_open, payer_class_incl_open
from marts_candidate.mart_payer_behaviour
"""

LATE_PAYMENTS = """
select scope_type, scope_value, as_of_date, payment_count, late_count, paid_company_amount,
    late_company_amount, avg_days_late_of_late
from marts_candidate.mart_late_payments
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

# Days late of one payment each: both sides of the limit of every class, and two that pay alike.
DAYS_LATE = (-1, 0, 1, 10, 10, 11, 30, 31)


def paid_on_the_limits() -> Case:
    """A customer for each number of days late, and one that pays nothing."""
    names = [f"C{number}" for number in range(1, len(DAYS_LATE) + 2)]
    due = date(2023, 4, 1)
    late = list(zip(names, DAYS_LATE, strict=False))
    ledger = Ledger(
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
    return Case(ledger, days=())


Rows = dict[tuple[str, date], dict[str, Any]]


def drawn(of: SearchStrategy[Case], ledgers: int) -> list[Case]:
    found: dict[Case, None] = {}

    @seed(6)
    @settings(
        max_examples=ledgers,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=of)
    def draw(case: Case) -> None:
        found.setdefault(case)

    draw()
    return list(found)


@pytest.fixture(scope="module")
def ledgers() -> dict[str, Case]:
    """Those of one currency have names that begin with B or P, the others with F."""
    strategies = {
        "B": (cases(AS_OF, is_foreign=False, is_choosing=True), LEDGERS),
        "F": (cases(AS_OF, is_foreign=True, is_choosing=True), LEDGERS),
        "P": (paying_cases(AS_OF), PAYING_LEDGERS),
    }
    return {"B": PAID_BETWEEN_THE_WINDOWS, "B-limits": paid_on_the_limits()} | {
        f"{letter}{number}": case
        for letter, (of, ledgers) in strategies.items()
        for number, case in enumerate(drawn(of, ledgers))
    }


@pytest.fixture(scope="module")
def rows(workshop: Workshop, ledgers: dict[str, Case]) -> Rows:
    workshop.build_ledgers(
        {entity: case.ledger for entity, case in ledgers.items()}, AS_OF, dict.fromkeys(ledgers, ())
    )
    with workshop.connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(QUERY).fetchall()
    return {(row["customer_id"], row["as_of_date"]): row for row in found}


def differences(ledgers: dict[str, Case], rows: Rows) -> Iterator[str]:
    for entity, case in ledgers.items():
        books = case.books()
        customers = [customer.customer_id for customer in case.ledger.customers]
        scopes = {customer: Scope([(books, [customer])]) for customer in customers}
        for day in DATES:
            behaviours = {customer: behaviour_of(books, customer, day) for customer in customers}
            of_day = {
                customer: rows.get((f"files:{entity}:{customer}", day), {})
                for customer in customers
            }
            for customer, ours in behaviours.items():
                days = scopes[customer].count_back(scopes[customer].receivables(day), day).days
                for difference in _differences(ours, days, of_day[customer], is_foreign(entity)):
                    yield f"{customer} at {day}, {difference}\n{case}"
            # Where means have a slack, places have one too.
            if not is_foreign(entity):
                for difference in _standing_differences(behaviours, of_day):
                    yield f"{day}, {difference}\n{case}"


def is_foreign(entity: str) -> bool:
    return entity.startswith("F")


def _differences(
    ours: Behaviour, days: Decimal, row: Mapping[str, Any], is_foreign: bool
) -> Iterator[str]:
    if not row:
        if ours.paid_company_amount_3m or ours.revenue_share_ytd or days:
            yield f"no row: oracle {ours}"
        return
    expected = {
        "avg_days_late_3m": ours.avg_days_late_3m,
        "avg_days_to_pay_3m": ours.avg_days_to_pay_3m,
        "paid_company_amount_3m": ours.paid_company_amount_3m,
        "overdue_company_amount": ours.overdue_company_amount,
        "avg_days_late_incl_open_3m": ours.avg_days_late_incl_open_3m,
        "avg_days_to_pay_incl_open_3m": ours.avg_days_to_pay_incl_open_3m,
        "revenue_ytd_company_amount": ours.revenue_ytd_company_amount,
        "revenue_share_ytd": ours.revenue_share_ytd,
        "dso_countback": days,
    }
    # In another currency, when a reversed payment stood between two others, either may bear the
    # cent that rounding leaves: one unit for each payment, and what it weighs in the means.
    slack = Decimal("0.01") * ours.payments if is_foreign else ZERO
    weight = ours.paid_company_amount_3m
    for column, value in expected.items():
        theirs = row[column]
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


def _standing_differences(
    behaviours: Mapping[str, Behaviour], rows: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for suffix in ("", "_incl_open"):
        ours = behaviour.standings(
            {c: getattr(of, f"avg_days_late{suffix}_3m") for c, of in behaviours.items()}
        )
        for customer, standing in ours.items():
            row = rows[customer]
            if not row and standing.rank is None:
                continue
            if not row:
                yield f"{customer} has no row: oracle {standing}"
                continue
            theirs = Standing(
                row[f"payer_rank{suffix}"],
                row[f"payer_percentile{suffix}"],
                row[f"payer_class{suffix}"],
            )
            if not is_same_standing(standing, theirs):
                yield f"standing{suffix} of {customer}: oracle {standing}, warehouse {theirs}"


def is_same_standing(ours: Standing, theirs: Standing) -> bool:
    """Percentiles are published with six decimals."""
    percentile = None if ours.percentile is None else round(ours.percentile, 6)
    return replace(ours, percentile=percentile) == theirs


def test_payer_behaviour_agrees_with_the_oracle(ledgers: dict[str, Case], rows: Rows) -> None:
    assert not list(islice(differences(ledgers, rows), 3))


Late = tuple[int, int, Decimal, Decimal, Decimal | None]


def late_payments(ledgers: Mapping[str, Case]) -> dict[tuple[str, str, date], Late]:
    """Scope, date → payments and late ones, amounts of both, and how late the late ones were."""
    books = {entity: case.books() for entity, case in ledgers.items()}
    scopes = customer_scopes(books) | {
        ("entity", entity): {entity: [customer.customer_id for customer in of.ledger.customers]}
        for entity, of in books.items()
    }
    found = {}
    for day in DATES:
        of_day = {entity: behaviour.payments_of_month(of, day) for entity, of in books.items()}
        for key, members in scopes.items():
            paid = [
                (late, amount)
                for entity, customers in members.items()
                for customer, late, amount in of_day[entity]
                if customer in customers
            ]
            if paid:
                found[(*key, day)] = late_of(paid)
    return found


def late_of(paid: list[tuple[int, Decimal]]) -> Late:
    late = [(days, amount) for days, amount in paid if days > 0]
    late_amount = sum((amount for _, amount in late), ZERO)
    weighted = sum((days * amount for days, amount in late), ZERO)
    return (
        len(paid),
        len(late),
        sum((amount for _, amount in paid), ZERO),
        late_amount,
        round(weighted / late_amount, 2) if late_amount else None,
    )


def test_late_payments_by_entity_and_segment_agree_with_the_oracle(
    ledgers: dict[str, Case], rows: Rows, workshop: Workshop
) -> None:
    """To the cent but for payments in another currency, which have the slack of the averages."""
    published = {
        (scope_type, scope_value, day): tuple(figures)
        for scope_type, scope_value, day, *figures in workshop.connection.execute(LATE_PAYMENTS)
    }

    ours = late_payments(ledgers)
    in_other_currencies = late_payments(
        {entity: case for entity, case in ledgers.items() if is_foreign(entity)}
    )

    assert {"group", "entity", "sector", "region", "size_band", "portfolio"} <= {k[0] for k in ours}
    assert published.keys() == ours.keys()
    for key, (count, late_count, paid, late, average) in ours.items():
        row = published[key]
        foreign = in_other_currencies[key][0] if key in in_other_currencies else 0
        slack = Decimal("0.01") * foreign
        assert row[:2] == (count, late_count), key
        assert abs(row[2] - paid) <= slack, key
        assert abs(row[3] - late) <= slack, key
        assert foreign or row[4] == average, key


def test_customers_pay_in_many_of_the_ledgers(ledgers: dict[str, Case]) -> None:
    paying = [
        entity
        for entity, case in ledgers.items()
        if any(
            behaviour_of(case.books(), customer.customer_id, day).payments
            for customer in case.ledger.customers
            for day in DATES
        )
    ]

    assert len(paying) >= 40


def test_every_class_is_there_and_customers_share_places(rows: Rows) -> None:
    classes = {row["payer_class"] for row in rows.values()}
    of_limits = [
        row for (customer, day), row in rows.items() if ":B-limits:" in customer and day == AS_OF
    ]

    assert classes == {"on_time", "slightly_late", "late", "very_late", "no_payment"}
    assert sorted(row["payer_rank"] or 0 for row in of_limits) == [0, 1, 2, 3, 4, 4, 6, 7, 8]


def test_many_customers_stand_behind_another(rows: Rows) -> None:
    behind = [row for row in rows.values() if (row["payer_rank"] or 0) > 1]

    assert len(behind) >= 100


def window_of_90_days(day: date) -> date:
    return date.fromordinal(day.toordinal() - 90)


def test_window_of_90_days_instead_of_three_months_is_found(
    ledgers: dict[str, Case], rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behaviour, "three_months_before", window_of_90_days)

    assert list(islice(differences(ledgers, rows), 1))


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
    ledgers: dict[str, Case], rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(behaviour, "standings", dense)

    assert list(islice(differences(ledgers, rows), 1))
