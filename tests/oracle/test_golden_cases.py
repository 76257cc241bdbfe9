"""The golden cases of domain.md: each group of §3 as a test with its reference, and DSO of §2.1.

All are entities of one build. Groups that no ledger of flat files can show are listed with the
reason in `golden_ledgers.NOT_APPLICABLE`; a test holds that every group is in one list or the
other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from oracle.balances import Books
from oracle.comparison import MONTH_ENDS, Case, differences
from oracle.golden_ledgers import (
    AS_OF,
    GOLDEN,
    GOLDEN_DSO,
    NOT_APPLICABLE,
    Amounts,
    Golden,
    GoldenDso,
)
from oracle.ledger import write_delivery
from oracle.published import Marts
from oracle.ratios import Scope, reporting_dates
from oracle.workshop import Workshop

pytestmark = pytest.mark.slow

GROUPS = range(1, 59)


@dataclass(frozen=True)
class BuiltCases:
    marts: Marts
    workshop: Workshop

    def rows(self, query: Any, entity: str) -> list[tuple[Any, ...]]:
        return self.workshop.connection.execute(query, [entity]).fetchall()


@pytest.fixture(scope="module")
def built(workshop: Workshop) -> BuiltCases:
    ledgers = {case.entity: case.ledger for case in (*GOLDEN, *GOLDEN_DSO)}
    folder = write_delivery(ledgers, workshop.settings.home / "golden")
    workshop.build(folder, AS_OF, ledgers=ledgers)
    return BuiltCases(workshop.read_build({e: days_of(e) for e in ledgers}), workshop)


def days_of(entity: str) -> list[date]:
    return [
        date.fromisoformat(day) for case in GOLDEN if case.entity == entity for day in case.open_at
    ]


def expected(amounts: Amounts) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in amounts.items()}


@pytest.mark.parametrize("case", GOLDEN, ids=[case.entity for case in GOLDEN])
def test_case_reported_elsewhere_has_the_figures_its_reporter_expected(
    built: BuiltCases, case: Golden
) -> None:
    published = built.marts.ledgers[case.entity]

    for day, amounts in case.open_at.items():
        rows = published.positions.get(date.fromisoformat(day), {})
        assert {item: amount for item, (amount, _) in rows.items()} == expected(amounts), day
    for day, amounts in case.buckets.items():
        assert in_buckets(published.aged_balance.get(date.fromisoformat(day), {})) == expected(
            amounts
        ), day


@pytest.mark.parametrize("case", GOLDEN, ids=[case.entity for case in GOLDEN])
def test_only_what_cannot_be_matched_is_refused(built: BuiltCases, case: Golden) -> None:
    reasons = [reason for entity, reason in built.marts.refused if entity == case.entity]

    assert len(reasons) == len(case.refused), reasons
    for reason, words in zip(reasons, case.refused, strict=True):
        assert words in reason


def in_buckets(
    rows: Mapping[tuple[str, str, str], tuple[Decimal, Decimal, int]],
) -> dict[str, Decimal]:
    """Company amounts by bucket, over customers and currencies."""
    buckets: dict[str, Decimal] = {}
    for (_, _, bucket), (_, company_amount, _) in rows.items():
        buckets[bucket] = buckets.get(bucket, Decimal(0)) + company_amount
    return buckets


@pytest.mark.parametrize("case", GOLDEN, ids=[case.entity for case in GOLDEN])
def test_oracle_agrees_on_the_case(built: BuiltCases, case: Golden) -> None:
    if case.refused:
        return
    days = tuple(days_of(case.entity))
    dates = reporting_dates(AS_OF, MONTH_ENDS)

    found = differences(Case(case.ledger, days), built.marts, case.entity, dates)

    assert list(found) == []


@pytest.mark.parametrize("case", GOLDEN_DSO, ids=[case.entity for case in GOLDEN_DSO])
def test_count_back_has_its_published_value(built: BuiltCases, case: GoldenDso) -> None:
    dso = built.marts.scope("entity", case.entity).dso[date.fromisoformat(case.day)]

    assert dso["outstanding"] == Decimal(case.receivables)
    assert dso["dso_countback"] == Decimal(case.days)
    assert dso["dso_status"] == case.status
    assert dso["dso_remainder_amount"] == Decimal(case.remainder)


def test_every_group_is_tested_or_says_why_not() -> None:
    tested = {case.group for case in GOLDEN}

    assert tested | NOT_APPLICABLE.keys() == set(GROUPS)
    assert tested & NOT_APPLICABLE.keys() == set()


# --- what the amounts alone do not show --------------------------------------------------------


def case_of(group: int) -> Golden:
    (case,) = [case for case in GOLDEN if case.group == group]
    return case


def test_group_30_credit_note_moves_the_invoice_as_a_credit_note(built: BuiltCases) -> None:
    movements = built.rows(
        "select movement_type, amount from marts_candidate.fct_receivable_movements"
        " where entity_id = %s and open_item_id like '%%:I1:1' order by movement_date",
        case_of(30).entity,
    )

    assert movements == [("issue", Decimal(1_000)), ("credit_note", Decimal(-200))]


def test_group_46_revaluation_uses_the_last_rate_of_the_day(built: BuiltCases) -> None:
    amounts = built.rows(
        "select open_company_amount, open_revalued_amount, revaluation_rate_date"
        " from marts_candidate.fct_open_items where entity_id = %s",
        case_of(46).entity,
    )

    assert amounts == [(Decimal(80), Decimal(85), date(2025, 4, 10))]


@pytest.mark.parametrize("group", [47, 48])
def test_group_47_and_48_keep_currencies_apart(built: BuiltCases, group: int) -> None:
    rows = built.marts.ledgers[case_of(group).entity].aged_balance.get(AS_OF, {})

    assert {open_amount for open_amount, _, _ in rows.values()} == {Decimal(100)}
    assert len({currency for _, currency, _ in rows}) == 2


def test_cohort_of_an_invoice_of_1970_is_shown_to_the_as_of_date(built: BuiltCases) -> None:
    ages = built.rows(
        "select min(age_months), max(age_months), count(*)"
        " from marts_candidate.mart_invoice_cohorts"
        " where entity_id = %s and issue_month = date '1970-01-01'",
        "dso-invoice-of-1970-that-is-still-open",
    )

    assert ages == [(0, 663, 664)]


def test_group_52_revenue_of_the_dso_includes_the_tax(built: BuiltCases) -> None:
    explain = built.marts.scope("entity", case_of(52).entity).explain.get(AS_OF, {})

    assert explain == {date(2025, 4, 1): (Decimal(120), Decimal(120), Decimal(15))}


def test_oracle_counts_back_to_the_published_values() -> None:
    """The oracle itself against the table, without a warehouse."""
    for case in GOLDEN_DSO:
        scope = Scope([(Books(case.ledger), ["C1"])])
        day = date.fromisoformat(case.day)
        countback = scope.count_back(scope.total(day), day)
        assert scope.total(day) == Decimal(case.receivables), case.name
        assert round(countback.days, 2) == Decimal(case.days), case.name
        assert (countback.status, countback.remainder) == (case.status, Decimal(case.remainder))
