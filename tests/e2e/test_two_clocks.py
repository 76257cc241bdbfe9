"""What was known when, and what has changed since: the books of March, delivered twice.

The second delivery corrects an invoice that was paid, undoes a matching, brings a forgotten
invoice, moves a due date and no longer holds a credit note.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import warehouse_steps as steps

from encours.orchestration import build, control
from encours.orchestration.run_ids import new_run_id
from encours.settings import Settings
from encours.transform import dbt
from encours.warehouse.connections import open_warehouse
from marts_content import marts_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("two_clocks")]

END_OF_MARCH = date(2025, 3, 31)
APRIL = date(2025, 4, 5)

KNOWN_IN_MARCH = {
    "documents": """
document_id,document_type,customer_id,issue_date,due_date,currency_code,amount_incl_tax
INV-1,invoice,C1,2025-01-10,2025-02-09,EUR,1200.00
INV-2,invoice,C1,2025-02-10,2025-03-12,EUR,600.00
INV-4,invoice,C2,2025-03-01,2025-04-30,EUR,150.00
CN-1,credit_note,C2,2025-03-15,,EUR,50.00
""",
    "payments": """
payment_id,customer_id,payment_date,currency_code,amount
PAY-1,C1,2025-02-08,EUR,1200.00
PAY-2,C1,2025-03-20,EUR,300.00
""",
    "allocations": """
allocation_id,source_type,source_id,document_id,amount
A1,payment,PAY-1,INV-1,1200.00
A2,payment,PAY-2,INV-2,300.00
""",
}
KNOWN_IN_APRIL = {
    **KNOWN_IN_MARCH,
    "documents": """
document_id,document_type,customer_id,issue_date,due_date,currency_code,amount_incl_tax
INV-1,invoice,C1,2025-01-10,2025-02-09,EUR,1320.00
INV-2,invoice,C1,2025-02-10,2025-03-12,EUR,600.00
INV-4,invoice,C2,2025-03-01,2025-05-31,EUR,150.00
INV-5,invoice,C2,2025-02-15,2025-03-17,EUR,240.00
""",
    "allocations": """
allocation_id,source_type,source_id,document_id,amount
A1,payment,PAY-1,INV-1,1200.00
""",
}
RESTATED = [
    # (month end, native id, cause, before, after)
    (date(2025, 1, 31), "INV-1", "document_changed", 1200, 1320),
    (date(2025, 2, 28), "INV-1", "document_changed", 0, 120),
    (date(2025, 2, 28), "INV-5", "document_added", 0, 240),
    (END_OF_MARCH, "CN-1", "document_removed", -50, 0),
    (END_OF_MARCH, "INV-1", "document_changed", 0, 120),
    (END_OF_MARCH, "INV-2", "settlement_removed", 300, 600),
    (END_OF_MARCH, "INV-4", "due_date_changed", 150, 150),
    (END_OF_MARCH, "INV-5", "document_added", 0, 240),
    (END_OF_MARCH, "PAY-2", "settlement_removed", 0, -300),
]


@dataclass(frozen=True)
class Told:
    """A publication: what was asked of it and what it says."""

    build: dbt.Build
    marts: dict[str, list[Any]]


@pytest.fixture(scope="module")
def march(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return published(home, tmp_path_factory.mktemp("march"), KNOWN_IN_MARCH, END_OF_MARCH)


@pytest.fixture(scope="module")
def april(march: Told, home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Told:
    return published(home, tmp_path_factory.mktemp("april"), KNOWN_IN_APRIL, APRIL)


def published(home: Settings, folder: Path, files: dict[str, str], as_of: date) -> Told:
    return Told(steps.publish_files(home, folder, files, as_of), content(home))


def content(home: Settings, schema: str = "marts") -> dict[str, list[Any]]:
    return marts_content(open_warehouse(home).pipeline_url, schema)


def total(home: Settings, schema: str, as_of: date) -> Decimal:
    query = "select sum(open_company_amount) from {}.mart_aged_balance where as_of_date = %s"
    ((amount,),) = steps.rows(home, query.format(schema), as_of)  # type: ignore[arg-type]
    return Decimal(amount)


def test_first_publication_restates_nothing(march: Told) -> None:
    assert march.marts["mart_restatements"] == []


def test_correction_changes_todays_view_of_the_past(april: Told, home: Settings) -> None:
    assert total(home, "marts", END_OF_MARCH) == Decimal("810.00")


def test_every_change_of_a_closed_month_is_listed_with_its_cause(
    april: Told, home: Settings
) -> None:
    rows = steps.rows(
        home,
        "select as_of_date, split_part(open_item_id, ':', 4), cause, previous_open_amount,"
        " open_amount from marts.mart_restatements order by 1, 2",
    )

    assert rows == RESTATED


def test_month_ends_after_the_publication_compared_with_are_not_restated(
    april: Told, home: Settings
) -> None:
    ((last,),) = steps.rows(home, "select max(as_of_date) from marts.mart_restatements")

    assert last == END_OF_MARCH


def test_what_changed_explains_the_change_of_the_total(
    april: Told, march: Told, home: Settings
) -> None:
    ((change,),) = steps.rows(
        home,
        "select sum(change_company_amount) from marts.mart_restatements where as_of_date = %s",
        END_OF_MARCH,
    )

    assert total(home, "marts", END_OF_MARCH) - change == Decimal("400.00")


def test_rebuild_shows_the_balance_as_it_was_known_then(
    april: Told, march: Told, home: Settings
) -> None:
    then = march.build

    control.rebuild(home, new_run_id(), then.as_of_date, then.known_on, "as_known_then")

    assert content(home, "as_known_then") == march.marts


def test_run_that_brings_nothing_new_repeats_what_was_restated(april: Told, home: Settings) -> None:
    opened = steps.build_candidate(home, as_of=APRIL)
    assert steps.judge(home, opened) == "publish"

    build.publish_marts(home, opened.run_id)

    assert content(home) == april.marts
