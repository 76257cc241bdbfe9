"""Random ledgers: the warehouse publishes what the oracle computes, to the cent.

Each batch is one real build of many ledgers, drawn by Hypothesis, as many entities. When one fails,
all its simplifications are built at once by the compiled SQL, round after round, so that what is
printed is a ledger of a few rows. (Hypothesis shrinks too, but one try at a time: 120 tries left 19
rows where the rounds leave a handful.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cache
from itertools import islice
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from oracle import balances, rates, ratios
from oracle.balances import Books
from oracle.comparison import MONTH_ENDS, Case, differences, report, scope_differences
from oracle.ledger import Ledger
from oracle.published import Marts
from oracle.ratios import Scope, reporting_dates
from oracle.shrinking import shrink
from oracle.strategies import cases
from oracle.workshop import Workshop

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Batch:
    """Ledgers that are built together; one base currency makes the group scopes exist."""

    as_of: date
    bases: tuple[str, ...]
    ledgers: int
    seed: int

    @property
    def dates(self) -> list[date]:
        return reporting_dates(self.as_of, MONTH_ENDS)


BATCHES = {
    "end of a leap February": Batch(date(2024, 2, 29), ("EUR",), 120, 1),
    "middle of a month": Batch(date(2024, 6, 15), ("EUR", "JPY", "TND"), 120, 2),
    "first of a month": Batch(date(2025, 3, 1), ("EUR",), 120, 3),
}


@cache
def drawn_cases(batch: Batch) -> dict[Case, str]:
    """Case → entity that it becomes; always the same ones."""
    drawn: dict[Case, str] = {}

    @seed(batch.seed)
    @settings(
        max_examples=batch.ledgers,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases(batch.as_of, batch.bases))
    def draw(case: Case) -> None:
        drawn.setdefault(case, f"L{len(drawn) + 1}")

    draw()
    return drawn


@dataclass(frozen=True)
class BuiltBatch:
    """The cases of a batch by entity, and what one build published of them."""

    batch: Batch
    entities: dict[Case, str]
    marts: Marts

    def books(self) -> dict[str, tuple[Case, Books]]:
        return {entity: (case, Books(case.ledger)) for case, entity in self.entities.items()}


@pytest.fixture(scope="module", params=BATCHES, ids=lambda name: name.replace(" ", "-"))
def built(request: pytest.FixtureRequest, workshop: Workshop) -> BuiltBatch:
    batch = BATCHES[request.param]
    drawn = drawn_cases(batch)
    ledgers = {entity: case.ledger for case, entity in drawn.items()}
    days = {entity: case.days for case, entity in drawn.items()}
    return BuiltBatch(batch, drawn, workshop.build_ledgers(ledgers, batch.as_of, days))


def agree(built: BuiltBatch, workshop: Workshop) -> None:
    """Every ledger of the batch; the first that differs is shrunk and told."""
    batch = built.batch
    for case, entity in built.entities.items():
        if any(differences(case, built.marts, entity, batch.dates)):
            smallest, found = shrink(workshop, case, batch.as_of, batch.dates)
            raise AssertionError(report(smallest, found))


def test_every_ledger_of_the_batch_agrees_with_the_oracle(
    built: BuiltBatch, workshop: Workshop
) -> None:
    agree(built, workshop)


def test_scopes_above_the_entity_agree_where_there_is_one_base_currency(built: BuiltBatch) -> None:
    books = built.books()
    all_customers = [
        (of_ledger, customer)
        for case, of_ledger in books.values()
        for customer in case.ledger.customers
    ]
    expected = {("group", "all"): all_customers} | {
        ("sector", sector): [(b, c) for b, c in all_customers if c.sector == sector]
        for sector in ("shops", "sites")
    }

    published = {key for key in built.marts.scopes if key[0] in ("group", "sector")}
    if len(built.batch.bases) > 1:
        assert published == set()
        return
    for key, members in expected.items():
        (figures,) = [
            f
            for k, f in built.marts.scopes.items()
            if k[0] == key[0] and (key[0] == "group" or k[1] == key[1])
        ]
        scope = Scope((of_ledger, [customer.customer_id]) for of_ledger, customer in members)
        found = scope_differences(" ".join(key), scope, figures, built.batch.dates)
        assert list(islice(found, 12)) == []


# --- the tests of the test ---------------------------------------------------------------------


def settled_a_day_late(dates: Sequence[date]) -> date:
    return max(dates) + timedelta(days=1)


@pytest.mark.parametrize("built", ["middle of a month"], indirect=True, ids=["middle-of-a-month"])
def test_wrong_rule_is_found_and_shrinks_to_a_few_rows(
    built: BuiltBatch, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(balances, "effective_date", settled_a_day_late)

    with pytest.raises(AssertionError) as caught:
        agree(built, workshop)

    told = str(caught.value)
    rows = [line for line in told.splitlines() if re.match(r"\w+: ", line.strip())]
    assert "allocation: " in told
    assert re.search(r"oracle .*, warehouse ", told)
    assert len(rows) <= 8, told


def due_today_is_overdue(item: balances.Item, day: date) -> str:
    if item.due_date == day:
        return "overdue_1_30"
    return CORRECT_BUCKET(item, day)


def without_fraction(month: date, as_of: date) -> int:
    """Forgets that the month of the as-of date is not over."""
    return CORRECT_DAYS(month, date.max)


def oldest_last(items: Iterable[balances.Item]) -> list[balances.Item]:
    return CORRECT_ORDER(items)[::-1]


def rounded_down(amount: Decimal, currency: str) -> Decimal:
    minor = balances.MINOR_UNITS.get(currency, 2)
    return amount.quantize(Decimal(1).scaleb(-minor), ROUND_DOWN)


def rate_of_a_later_day(currency: str, base: str, day: date) -> rates.Rate | None:
    return CORRECT_RATE(currency, base, day + timedelta(days=3))


CORRECT_RATE = rates.last_published
CORRECT_BUCKET = balances.bucket_of
CORRECT_DAYS = ratios.days_of_month
CORRECT_ORDER = balances.oldest_first


@pytest.mark.parametrize(
    ("module", "rule", "mistake"),
    [
        (balances, "bucket_of", due_today_is_overdue),
        (balances, "oldest_first", oldest_last),
        (balances, "rounded", rounded_down),
        (rates, "last_published", rate_of_a_later_day),
        (ratios, "days_of_month", without_fraction),
    ],
    ids=[
        "due-day-overdue",
        "youngest-due-date-first",
        "rounded-down",
        "later-rate",
        "whole-current-month",
    ],
)
@pytest.mark.parametrize("built", ["middle of a month"], indirect=True, ids=["middle-of-a-month"])
def test_wrong_rule_is_found(
    built: BuiltBatch, monkeypatch: pytest.MonkeyPatch, module: Any, rule: str, mistake: Any
) -> None:
    monkeypatch.setattr(module, rule, mistake)

    found = [
        difference
        for case, entity in built.entities.items()
        for difference in differences(case, built.marts, entity, built.batch.dates)
    ]

    assert found


# Kind → whether a ledger has it at the as-of date of its batch.
KINDS: dict[str, Callable[[Ledger, date], bool]] = {
    "instalments": lambda ledger, _: bool(ledger.instalments),
    "advance": lambda ledger, _: any(
        p.payment_id == a.source_id
        and d.document_id == a.document_id
        and p.payment_date < d.issue_date
        for a in ledger.allocations
        for p in ledger.payments
        for d in ledger.documents
    ),
    "partial payment": lambda ledger, _: any(
        a.amount < d.amount_incl_tax
        for a in ledger.allocations
        for d in ledger.documents
        if a.source_type == "payment" and a.document_id == d.document_id
    ),
    "payment of several invoices": lambda ledger, _: any(
        len({a.document_id for a in ledger.allocations if a.source_id == p.payment_id}) > 1
        for p in ledger.payments
    ),
    "overpayment": lambda ledger, _: any(
        0 < sum(a.amount for a in ledger.allocations if a.source_id == p.payment_id) < p.amount
        for p in ledger.payments
    ),
    "credit note matched": lambda ledger, _: any(
        a.source_type == "credit_note" for a in ledger.allocations
    ),
    "credit note that names its invoice": lambda ledger, _: any(
        d.credited_document_id for d in ledger.documents
    ),
    "credit note on its own": lambda ledger, _: any(
        d.document_type == "credit_note" and not d.credited_document_id for d in ledger.documents
    ),
    "refund": lambda ledger, _: any(p.payment_type == "refund" for p in ledger.payments),
    "refund of a credit": lambda ledger, _: any(a.source_id[0] == "R" for a in ledger.allocations),
    "reversal": lambda ledger, as_of: any(
        a.reversed_on and a.reversed_on <= as_of for a in ledger.allocations
    ),
    "write-off": lambda ledger, _: bool(ledger.write_offs),
    "draft": lambda ledger, _: any(d.status == "draft" for d in ledger.documents),
    "void": lambda ledger, _: any(d.status == "void" for d in ledger.documents),
    "future-dated document": lambda ledger, as_of: any(
        d.issue_date > as_of for d in ledger.documents
    ),
    "whole dispute": lambda ledger, _: any(d.amount is None for d in ledger.disputes),
    "partial dispute": lambda ledger, _: any(d.amount is not None for d in ledger.disputes),
    "collection": lambda ledger, _: any(c.stage == "collection" for c in ledger.collection_cases),
    "litigation": lambda ledger, _: any(c.stage == "litigation" for c in ledger.collection_cases),
    "promise": lambda ledger, _: bool(ledger.promises),
    "two currencies": lambda ledger, _: len({d.currency_code for d in ledger.documents}) > 1,
    "no minor unit": lambda ledger, _: any(d.currency_code == "JPY" for d in ledger.documents),
    "three decimals": lambda ledger, _: any(d.currency_code == "TND" for d in ledger.documents),
    "foreign item with a rate of the date": lambda ledger, as_of: any(
        d.currency_code != ledger.base_currency
        and rates.last_published(d.currency_code, ledger.base_currency, as_of)
        for d in ledger.documents
    ),
    "foreign item without": lambda ledger, as_of: any(
        d.currency_code != ledger.base_currency
        and not rates.last_published(d.currency_code, ledger.base_currency, as_of)
        for d in ledger.documents
    ),
    "estimated due date": lambda ledger, _: any(d.due_date is None for d in ledger.documents),
}


def test_three_hundred_different_ledgers_hold_every_kind_of_document_ten_times() -> None:
    ledgers = [
        (case.ledger, batch.as_of) for batch in BATCHES.values() for case in drawn_cases(batch)
    ]

    counts = {kind: sum(has(*ledger) for ledger in ledgers) for kind, has in KINDS.items()}

    assert len(ledgers) >= 300
    assert {kind: count for kind, count in counts.items() if count < 10} == {}
