"""What only QuickBooks' books have, from its stand-in to the open items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
import warehouse_steps as steps
from api_steps import read_company
from sandbox_books import DAY, allocation, books, credit_note, customer, invoice, payment
from test_quickbooks import NAME

from encours.sandbox.books import Allocation, World, WriteOff
from encours.sandbox.server import Sandbox
from encours.settings import Settings

pytestmark = [
    pytest.mark.soak,
    pytest.mark.slow,
    pytest.mark.xdist_group("quickbooks_books"),
]

AS_OF = date(2026, 6, 30)
OPEN_ITEMS = """
select coalesce(document_number, source_document_id), open_amount, open_company_amount
from marts_candidate.fct_open_items where source = 'quickbooks'
"""
REFUSED = "select stream, record_key, reason from intermediate.int_refused_rows"
DELETED = "select count(*) from raw_quickbooks.payments where is_deleted"
Open = dict[str, tuple[Decimal, Decimal]]


def world() -> World:
    """F1 is paid with a loss, F5 in part by K1 and later out of P1, which also pays F6, of another
    customer; the refunds pay out parts of K1 and of P1. An invoice and a refund have the same
    id."""
    rows = books(
        replace(customer("C2"), parent_customer_id="C1"),
        invoice("F1", "100.00"),
        invoice("F2", "50.00", currency_code="USD", exchange_rate=Decimal("0.9")),
        invoice("F3", "10.00", status="draft"),
        invoice("F4", "10.00", status="void"),
        invoice("F5", "60.00", due_date=None),
        invoice("F6", "7.00", customer_id="C2"),
        invoice("R1", "8.00"),
        credit_note("K1", "20.00"),
        payment("P1", "117.00", reference="P1"),
        payment("R1", "5.00", payment_type="refund", reference="R1"),
        payment("R2", "4.00", payment_type="refund", reference="R2"),
        allocation("A1", "P1", "F1", "98.00"),
        allocation("A2", "K1", "F5", "10.00", source_type="credit_note"),
        allocation("A3", "R1", "K1", "5.00"),
        allocation("A4", "R2", "P1", "4.00"),
        allocation("A6", "P1", "F6", "7.00"),
        WriteOff(write_off_id="W1", document_id="F1", write_off_date=DAY, amount=Decimal(2)),
    )
    rows.clock += timedelta(days=3)
    rows.add(allocation("A5", "P1", "F5", "5.00"))
    return rows


def open_items(settings: Settings) -> Open:
    steps.build_candidate(settings, as_of=AS_OF)
    assert steps.rows(settings, REFUSED) == []
    return {name: (amount, company) for name, amount, company in steps.rows(settings, OPEN_ITEMS)}


@pytest.fixture(scope="module")
def read_twice(home: Settings) -> Iterator[tuple[Open, Open]]:
    """Open items after the first reading, and after one that comes later than QuickBooks
    remembers: what applied K1 is deleted, and R1 is paid."""
    steps.prepare(home)
    served = world()
    with Sandbox(served, limits=False) as sandbox:
        read_company(home, sandbox, NAME)
        first = open_items(home)
        served.clock += timedelta(days=40)
        served.delete(Allocation, "A2")
        served.add(payment("P3", "8.00", date(2026, 2, 1), reference="P3"))
        served.add(allocation("A7", "P3", "R1", "8.00"))
        read_company(home, sandbox, NAME)
        assert sandbox.desk(NAME).calls.of("*/cdc") == []
        yield first, open_items(home)


def test_books_of_quickbooks_end_in_what_is_owed(read_twice: tuple[Open, Open]) -> None:
    assert read_twice[0] == {
        "N-F2": (Decimal("50.00"), Decimal("45.00")),
        "N-F5": (Decimal("45.00"), Decimal("45.00")),
        "N-R1": (Decimal("8.00"), Decimal("8.00")),
        "N-K1": (Decimal("-5.00"), Decimal("-5.00")),
        "P1": (Decimal("-3.00"), Decimal("-3.00")),
    }


def test_gap_longer_than_quickbooks_remembers_is_read_whole(
    home: Settings, read_twice: tuple[Open, Open]
) -> None:
    before, after = read_twice

    assert after == {
        **{name: both for name, both in before.items() if name != "N-R1"},
        "N-F5": (Decimal("55.00"), Decimal("55.00")),
        "N-K1": (Decimal("-15.00"), Decimal("-15.00")),
    }
    assert steps.rows(home, DELETED) == [(1,)]
