"""What must hold of any books, whatever they are: sums, conservation, order, names, scale.

Two real builds of some thirty random ledgers; each property builds the same ledgers again, changed
in a way that must not matter, or that must matter in one way only.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oracle.balances import ZERO
from oracle.batches import draw_cases
from oracle.comparison import MONTH_ENDS
from oracle.ledger import Ledger, Payment, scaled, streams_of
from oracle.published import Marts
from oracle.ratios import reporting_dates
from oracle.strategies import POLICIES, cases
from oracle.workshop import Workshop

pytestmark = pytest.mark.slow

AS_OF = date(2024, 6, 15)
DATES = reporting_dates(AS_OF, MONTH_ENDS)
AMOUNTS = ("outstanding", "dso_receivables", "overdue", "dso_remainder_amount")
# Books of one currency by the default policies, and books of two by policies of their own.
STARTS = {
    "plain": (35, cases(AS_OF, is_foreign=False)),
    "mixed": (25, cases(AS_OF, is_choosing=True)),
}
# Random dates beside the reporting dates: positions and movements are asked for at all of them.
DAYS = sorted({*DATES[-16:], *(date(2024, month, 7 + month) for month in range(1, 6))})


@dataclass(frozen=True)
class Start:
    """The ledgers as they are, and their marts by a real build."""

    workshop: Workshop
    ledgers: Mapping[str, Ledger]
    marts: Marts

    def rebuilt(
        self,
        change: Callable[[Ledger], Ledger],
        *,
        before: Callable[[Ledger], Ledger] | None = None,
    ) -> Marts:
        """Every ledger changed, after `before` of it was delivered."""
        first = None if before is None else {e: before(of) for e, of in self.ledgers.items()}
        changed = {entity: change(ledger) for entity, ledger in self.ledgers.items()}
        return self.workshop.attempt(changed, AS_OF, days_of(changed), before=first)


def days_of(ledgers: Mapping[str, Ledger]) -> dict[str, list[date]]:
    return {entity: DAYS for entity in ledgers}


@pytest.fixture(scope="module", params=STARTS)
def start(request: pytest.FixtureRequest, workshop: Workshop) -> Start:
    ledgers, of = STARTS[request.param]
    cases_of = draw_cases(of, ledgers, 4)
    drawn = {f"L{number}": case.ledger for number, case in enumerate(cases_of, start=1)}
    return Start(workshop, drawn, workshop.build_ledgers(drawn, AS_OF, days_of(drawn)))


def company_total(amounts: Mapping[Any, tuple[Any, ...]], place: int) -> Decimal:
    return sum((row[place] for row in amounts.values()), ZERO)


def unchanged(ledger: Ledger) -> Ledger:
    return ledger


# --- sums --------------------------------------------------------------------------------------


def test_buckets_total_items_movements_and_positions_are_one_sum(start: Start) -> None:
    for entity, published in start.marts.ledgers.items():
        for day in set(DAYS) & set(DATES):
            totals = {
                "buckets": company_total(published.aged_balance.get(day, {}), 1),
                "statuses": company_total(published.outstanding.get(day, {}), 0),
                "positions": company_total(published.positions.get(day, {}), 1),
                "movements": company_total(published.movements.get(day, {}), 1),
                "dso": outstanding(start.marts, entity, day),
            }
            assert len(set(totals.values())) == 1, (entity, day, totals)


def outstanding(marts: Marts, entity: str, day: date) -> Decimal:
    """Of mart_dso, which has no row before the first document."""
    row = marts.scope("entity", entity).dso.get(day)
    amount: Decimal = ZERO if row is None else row["outstanding"]
    return amount


def test_open_items_are_the_last_position(start: Start) -> None:
    for published in start.marts.ledgers.values():
        assert published.open_items == published.positions.get(AS_OF, {})


def test_explain_rows_sum_to_the_dso_and_to_what_is_owed(start: Start) -> None:
    for scope in start.marts.scopes.values():
        for day, row in scope.dso.items():
            months = scope.explain.get(day, {}).values()
            consumed = sum((consumed for _, consumed, _ in months), ZERO)
            days = sum((added for *_, added in months), ZERO)
            assert consumed == max(row["dso_receivables"], ZERO) - row["dso_remainder_amount"]
            assert abs(days - row["dso_countback"]) <= Decimal("0.005")


# --- nothing changes ---------------------------------------------------------------------------


def test_delivery_that_comes_twice_counts_once(start: Start) -> None:
    assert start.rebuilt(unchanged, before=unchanged) == start.marts


def test_order_of_the_rows_is_nothing(start: Start) -> None:
    chance = random.Random(5)

    def shuffled(ledger: Ledger) -> Ledger:
        return replace(
            ledger,
            **{
                stream: tuple(chance.sample(getattr(ledger, stream), len(rows)))
                for stream, rows in streams_of(ledger).items()
            },
        )

    assert start.rebuilt(shuffled) == start.marts


def test_earlier_state_of_the_books_leaves_nothing_behind(start: Start) -> None:
    """Delivered without its settlements first, then as it is: what is corrected is corrected."""

    def without_settlements(ledger: Ledger) -> Ledger:
        return replace(ledger, allocations=(), write_offs=(), disputes=())

    assert start.rebuilt(unchanged, before=without_settlements) == start.marts


def test_ledger_that_was_delivered_as_another_leaves_nothing_behind(start: Start) -> None:
    """Every amount was wrong at first, every id too: deletions and changes come through."""

    def misread(ledger: Ledger) -> Ledger:
        return scaled(rename(ledger, names_of(ledger)), 3)

    assert start.rebuilt(unchanged, before=misread) == start.marts


def test_names_of_things_are_nothing(start: Start) -> None:
    """Ids that sort the other way round, and documents and payments that share them."""
    renamed = start.rebuilt(lambda ledger: rename(ledger, names_of(ledger)))

    for entity, ledger in start.ledgers.items():
        names = names_of(ledger)
        before, after = start.marts.ledgers[entity], renamed.ledgers[entity]
        for day in DAYS:
            assert after.positions.get(day, {}) == items_renamed(
                before.positions.get(day, {}), names
            )
            assert after.movements.get(day, {}) == items_renamed(
                before.movements.get(day, {}), names
            )
        for day in DATES:
            assert after.aged_balance.get(day, {}) == customers_renamed(
                before.aged_balance.get(day, {}), names
            )
            assert after.outstanding.get(day, {}) == customers_renamed(
                before.outstanding.get(day, {}), names
            )
        assert renamed.scope("entity", entity) == start.marts.scope("entity", entity)


Names = Mapping[tuple[str, str], str]


def names_of(ledger: Ledger) -> dict[tuple[str, str], str]:
    """(kind, name) → new name. A receipt that a refund pays out keeps a name of its own."""
    documents = [d.document_id for d in ledger.documents]
    payments = [p.payment_id for p in ledger.payments]
    customers = [c.customer_id for c in ledger.customers]
    allocations = [a.allocation_id for a in ledger.allocations]
    refunded = {a.document_id for a in ledger.allocations} - set(documents)
    names = {
        ("document", name): f"x{place:03}" for place, name in enumerate(reversed(sorted(documents)))
    }
    for place, name in enumerate(reversed(sorted(payments))):
        names["payment", name] = f"{'y' if name in refunded else 'x'}{place:03}"
    for kind, of_kind in (("customer", customers), ("allocation", allocations)):
        for place, name in enumerate(reversed(sorted(of_kind))):
            names[kind, name] = f"x{place:03}"
    return names


def rename(ledger: Ledger, names: Names) -> Ledger:
    """Every id replaced; rows of other things keep theirs."""

    def renamed(row: Any) -> Any:
        changes: dict[str, str] = {}
        for column in fields(row):
            value = getattr(row, column.name)
            if column.name in ("document_id", "credited_document_id") and value:
                new = names.get(("document", value)) or names["payment", value]
                changes[column.name] = new
            elif column.name in ("payment_id", "customer_id", "allocation_id"):
                changes[column.name] = names[column.name.removesuffix("_id"), value]
            elif column.name == "source_id":
                kind = "payment" if row.source_type == "payment" else "document"
                changes[column.name] = names[kind, value]
        return replace(row, **changes)

    return replace(
        ledger,
        **{
            stream: tuple(renamed(row) for row in getattr(ledger, stream))
            for stream in streams_of(ledger)
        },
    )


def items_renamed(rows: Mapping[str, Any], names: Names) -> dict[str, Any]:
    renamed = {}
    for key, amounts in rows.items():
        name, part = key.split("/")
        kind = "payment" if part == "payment" else "document"
        renamed[f"{names[kind, name]}/{part}"] = amounts
    return renamed


def customers_renamed(rows: Mapping[tuple[str, ...], Any], names: Names) -> dict[Any, Any]:
    return {(names["customer", key[0]], *key[1:]): sums for key, sums in rows.items()}


@pytest.mark.parametrize("start", ["mixed"], indirect=True)
def test_policy_for_unapplied_credit_moves_amounts_and_keeps_every_total(start: Start) -> None:
    by_policy = {value: start.rebuilt(choosing_unapplied(value)) for value in POLICIES["unapplied"]}

    for entity in start.ledgers:
        for day in DATES:
            totals = [
                totals_of(marts.ledgers[entity].aged_balance.get(day, {}))
                for marts in by_policy.values()
            ]
            assert totals == totals[:1] * len(totals), (entity, day)
    separate = by_policy.pop("separate")
    for value, marts in by_policy.items():
        assert any(
            marts.ledgers[entity].aged_balance != separate.ledgers[entity].aged_balance
            for entity in start.ledgers
        ), value


def choosing_unapplied(value: str) -> Callable[[Ledger], Ledger]:
    def chosen(ledger: Ledger) -> Ledger:
        others = tuple(choice for choice in ledger.choices if choice[0] != "unapplied")
        return replace(ledger, choices=(*others, ("unapplied", value)))

    return chosen


def totals_of(
    rows: Mapping[tuple[str, str, str], tuple[Decimal, Decimal, int]],
) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Customer, currency → open and company amount over the buckets, without what is zero."""
    totals: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for (customer, currency, _), (open_amount, company_amount, _) in rows.items():
        before = totals.get((customer, currency), (ZERO, ZERO))
        totals[customer, currency] = (before[0] + open_amount, before[1] + company_amount)
    return {key: sums for key, sums in totals.items() if any(sums)}


# --- one thing changes -------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["plain"], indirect=True)
def test_days_are_free_of_scale_and_amounts_grow_with_it(start: Start) -> None:
    bigger = start.rebuilt(lambda ledger: scaled(ledger, 7))

    assert bigger.scopes.keys() == start.marts.scopes.keys()
    for key, scope in start.marts.scopes.items():
        for day, row in scope.dso.items():
            grown = bigger.scopes[key].dso[day]
            for column, value in row.items():
                is_amount = column in AMOUNTS
                assert grown[column] == (value * 7 if is_amount else value), (key, day, column)


def test_more_owed_never_lowers_the_count_back(start: Start) -> None:
    """A refund that nothing covers is owed without being a sale."""
    day = date(2023, 9, 4)

    def more_owed(ledger: Ledger) -> Ledger:
        refund = Payment("R99", ledger.customers[0].customer_id, day, Decimal(250), "refund")
        return replace(ledger, payments=(*ledger.payments, refund))

    more = start.rebuilt(more_owed)

    grew = 0
    for entity in start.ledgers:
        before, after = start.marts.scope("entity", entity).dso, more.scope("entity", entity).dso
        for as_of, row in before.items():
            assert after[as_of]["dso_countback"] >= row["dso_countback"], (entity, as_of)
            grew += after[as_of]["dso_countback"] > row["dso_countback"]
    assert grew > 0


def test_part_that_is_not_due_is_never_more_days_than_all_that_is_owed_by_invoices(
    start: Start,
) -> None:
    """Without unapplied credit, which lowers the whole but not the part."""

    def invoices_only(ledger: Ledger) -> Ledger:
        documents = tuple(d for d in ledger.documents if d.document_type == "invoice")
        return replace(ledger, documents=documents, payments=(), allocations=())

    marts = start.rebuilt(invoices_only)

    for key, scope in marts.scopes.items():
        for day, row in scope.dso.items():
            assert row["dso_best_possible"] <= row["dso_countback"], (key, day)
