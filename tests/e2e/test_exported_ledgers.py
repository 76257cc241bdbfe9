"""A company of Pennylane whose FEC is exported goes through the door of delivered FECs, and is
never read both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import warehouse_steps as steps
from api_steps import access_of, read_company
from sandbox_books import customer, invoice, payment

from encours.errors import BadInput
from encours.orchestration import extract
from encours.orchestration.ingest import Ingested
from encours.orchestration.run_ids import new_run_id
from encours.sandbox.books import Document, Entity, World
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.pennylane import PENNYLANE

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("records")]

PERIODS = "2025-01-01/2025-12-31 2026-01-01/2026-12-31"
YEARS = """
select payload ->> 'closing_date', count(*), max((payload ->> 'total_debit')::numeric)
from raw_fec.ledger_files group by 1 order by 1
"""


@pytest.fixture
def sandbox(home: Settings) -> Iterator[Sandbox]:
    steps.empty(home)
    steps.prepare(home)
    books = World(
        [
            Entity(entity_id="main", entity_name="Exemple SAS", siren="123456782"),
            customer(),
            invoice("F1", "120.00"),
            invoice("F2", "80.00", issue_date=date(2025, 12, 31)),
            payment("P1", "120.00"),
        ]
    )
    with Sandbox(books, limits=False) as served:
        yield served


def read_ledgers(home: Settings, sandbox: Sandbox, name: str = "encours_pennylane") -> Ingested:
    access = access_of(sandbox, "pennylane")
    access = replace(access, connection_id=name, options={"fec_periods": PERIODS})
    run_id = new_run_id()
    # An export is pending at first, and asked for again.
    folder = extract.land_company(home, extract.Reading(run_id, PENNYLANE, access))
    return extract.load_company(home, PENNYLANE, run_id, folder)


def test_each_period_becomes_a_fiscal_year_of_the_ledger(home: Settings, sandbox: Sandbox) -> None:
    loaded = read_ledgers(home, sandbox)

    assert loaded.source == "fec"
    assert steps.rows(home, YEARS) == [
        ("2025-12-31", 1, Decimal("80.00")),
        ("2026-12-31", 1, Decimal("240.00")),
    ]
    assert steps.raw_counts(home)["raw_pennylane.customer_invoices"] == 0


@pytest.mark.soak
def test_a_year_that_did_not_change_is_loaded_once_and_one_that_did_is_replaced(
    home: Settings, sandbox: Sandbox
) -> None:
    read_ledgers(home, sandbox)
    sandbox.world.change(Document, "F1", amount_incl_tax=Decimal("150.00"))

    read_ledgers(home, sandbox)

    assert steps.rows(home, YEARS) == [
        ("2025-12-31", 1, Decimal("80.00")),
        ("2026-12-31", 2, Decimal("270.00")),
    ]


def test_a_ledger_of_a_company_whose_documents_are_read_is_refused(
    home: Settings, sandbox: Sandbox, tmp_path: Path
) -> None:
    read_company(home, sandbox, "pennylane")

    with pytest.raises(BadInput, match="company 123456782 would count twice") as raised:
        read_ledgers(home, sandbox)

    assert "\n" not in str(raised.value)
    assert steps.rows(home, YEARS) == []


def test_documents_of_a_company_whose_ledger_is_held_are_refused(
    home: Settings, sandbox: Sandbox
) -> None:
    read_ledgers(home, sandbox)

    with pytest.raises(BadInput, match="company 123456782 would count twice"):
        read_company(home, sandbox, "pennylane")

    assert steps.raw_counts(home)["raw_pennylane.customer_invoices"] == 0


@pytest.mark.soak
def test_two_companies_of_one_run_are_landed_apart(home: Settings, sandbox: Sandbox) -> None:
    read_ledgers(home, sandbox, "encours_pennylane")
    read_ledgers(home, sandbox, "encours_pennylane__other")

    landed = {path.parent.name for path in (home.landing_dir / "fec").glob("*/run=*")}

    assert landed == {"encours_pennylane", "encours_pennylane__other"}
