"""Real books against their own general ledger: dbt_xero's seeds through the flat-file door.

The data are not part of this project (Fivetran dbt_xero, Apache-2.0); they lie beside a checkout in
shared/data/xero_seeds, or the tests are skipped.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from oracle.balances import ZERO, Books
from oracle.published import Marts
from oracle.ratios import reporting_dates
from oracle.workshop import Workshop
from oracle.xero_books import XeroBooks, read_xero_books

AS_OF = date(2021, 2, 28)
TOLERANCE = Decimal("0.02")
MONTH_ENDS = [day for day in reporting_dates(AS_OF, 36) if day >= date(2019, 11, 30)]
SEEDS = Path(__file__).parents[3] / "shared/data/xero_seeds"


@pytest.fixture(scope="module")
def xero() -> XeroBooks:
    if not SEEDS.is_dir():
        pytest.skip("../shared/data/xero_seeds does not lie beside this checkout")
    return read_xero_books(SEEDS)


@pytest.fixture(scope="module")
def marts(xero: XeroBooks, workshop: Workshop) -> Marts:
    return workshop.build_ledgers({"xero": xero.ledger}, AS_OF, {"xero": MONTH_ENDS})


def test_there_are_sixteen_month_ends() -> None:
    assert len(MONTH_ENDS) == 16


@pytest.mark.slow
@pytest.mark.parametrize("day", MONTH_ENDS, ids=str)
def test_aged_balance_equals_the_control_account_at_every_month_end(
    xero: XeroBooks, marts: Marts, day: date
) -> None:
    rows = marts.ledgers["xero"].aged_balance.get(day, {}).values()

    total = sum((company_amount for _, company_amount, _ in rows), ZERO)

    assert abs(total - xero.control_balance(day)) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("day", MONTH_ENDS, ids=str)
def test_positions_equal_the_control_account_at_every_month_end(
    xero: XeroBooks, marts: Marts, day: date
) -> None:
    rows = marts.ledgers["xero"].positions.get(day, {}).values()

    total = sum((company_amount for _, company_amount in rows), ZERO)

    assert abs(total - xero.control_balance(day)) <= TOLERANCE


@pytest.mark.slow
def test_no_row_of_the_books_is_refused(marts: Marts) -> None:
    assert marts.refused == ()


def test_without_the_partial_payments_of_the_journals_the_last_month_end_is_off(
    xero: XeroBooks,
) -> None:
    """What a table of full payment dates can know: the proof that the journals are needed."""
    last = {a.document_id: a.source_id for a in xero.ledger.allocations}
    amounts = {d.document_id: d.amount_incl_tax for d in xero.ledger.documents}
    whole = {payment: amounts[document] for document, payment in last.items()}
    ledger = replace(
        xero.ledger,
        payments=tuple(
            replace(p, amount=whole[p.payment_id])
            for p in xero.ledger.payments
            if p.payment_id in whole
        ),
        allocations=tuple(
            replace(a, amount=whole[a.source_id])
            for a in xero.ledger.allocations
            if a.source_id in whole
        ),
    )

    total = sum((company for _, company in Books(ledger).positions(AS_OF).values()), ZERO)

    assert abs(total - xero.control_balance(AS_OF)) == Decimal("6519.24")


def test_oracle_equals_the_control_account_too(xero: XeroBooks) -> None:
    books = Books(xero.ledger)

    for day in MONTH_ENDS:
        total = sum((company for _, company in books.positions(day).values()), ZERO)
        assert abs(total - xero.control_balance(day)) <= TOLERANCE, day
