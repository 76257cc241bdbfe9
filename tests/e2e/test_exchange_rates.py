"""Debts in dollars and no rate to value them: held with one line, and mended by one row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import warehouse_steps as steps

from encours.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("exchange_rates")]

AS_OF = date(2025, 4, 30)
DOCUMENTS = """
document_id,document_type,customer_id,issue_date,currency_code,amount_incl_tax,exchange_rate
I1,invoice,C1,2025-02-15,USD,1000.00,0.95
I2,invoice,C1,2025-04-01,EUR,100.00,
"""
RATES = "currency_code,base_currency,rate_date,rate\nUSD,EUR,2025-05-02,0.99\n"


@dataclass(frozen=True)
class Judged:
    """The gate's answer to a delivery, and what the candidate says of the dollars."""

    decision: str
    lines: list[str]
    revalued: list[tuple[str, Decimal | None, date | None]]


def judged(home: Settings, folder: Path, rates: str) -> Judged:
    folder.mkdir()
    (folder / "documents.csv").write_text(DOCUMENTS.lstrip())
    (folder / "customers.csv").write_text("customer_id,customer_name\nC1,Atelier\n")
    (folder / "exchange_rates.csv").write_text(rates)
    steps.ingest_files(home, folder)
    opened = steps.build_candidate(home, as_of=AS_OF)
    decision = steps.judge(home, opened)
    lines = steps.rows(
        home,
        "select severity || ': ' || observed_value from ops.check_result"
        " where run_id = %s and state = 'failed' and table_name = 'int_revaluation_rates'",
        opened.run_id,
    )
    revalued = steps.rows(
        home,
        "select source_document_id, open_revalued_amount, revaluation_rate_date"
        " from marts_candidate.fct_open_items order by source_document_id",
    )
    return Judged(decision, [line for (line,) in lines], revalued)


@pytest.fixture(scope="module")
def held(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    return judged(home, tmp_path_factory.mktemp("late") / "books", RATES)


def test_currency_without_a_rate_by_the_date_is_held_with_one_line(held: Judged) -> None:
    assert held.decision == "hold"
    assert held.lines == [
        "critical: no rate of USD to EUR on or before 2025-04-30: deliver exchange_rates with one"
    ]


def test_missing_rate_leaves_the_revalued_amount_empty_and_never_counts_as_one(
    held: Judged,
) -> None:
    assert held.revalued == [("I1", None, None), ("I2", Decimal(100), None)]


@pytest.mark.soak
def test_delivered_rate_values_the_debt_and_is_published_with_its_date(
    held: Judged, home: Settings, tmp_path: Path
) -> None:
    mended = judged(home, tmp_path / "books", RATES + "USD,EUR,2025-04-10,0.9\n")

    assert mended.decision == "publish"
    assert mended.lines == [
        "warning: last rate of USD to EUR is of 2025-04-10, 20 days before 2025-04-30: deliver"
        " exchange_rates up to that day"
    ]
    assert mended.revalued == [
        ("I1", Decimal(900), date(2025, 4, 10)),
        ("I2", Decimal(100), None),
    ]


@pytest.mark.soak
def test_entity_that_chose_not_to_revalue_is_published_with_a_warning(
    held: Judged, home: Settings, tmp_path: Path
) -> None:
    (home.home / "policies.yml").write_text("revaluation: optional\n")

    chosen = judged(home, tmp_path / "books", RATES)

    assert chosen.decision == "publish"
    assert chosen.lines == [held.lines[0].replace("critical", "warning")]
