"""What only Sage Accounting's books have, from its stand-in to the open items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
import warehouse_steps as steps
from api_steps import read_company
from sandbox_books import allocation, books, credit_note, invoice, payment

from encours.loading.demo_books import holds_real_books
from encours.sandbox.books import Allocation, World, WriteOff
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.sage_accounting import SAGE_ACCOUNTING

pytestmark = [
    pytest.mark.soak,
    pytest.mark.slow,
    pytest.mark.xdist_group("sage_accounting_books"),
]

AS_OF = date(2026, 6, 30)
DAY = date(2026, 1, 10)
OPEN_ITEMS = """
select coalesce(document_number, source_document_id), open_amount, open_company_amount
from marts_candidate.fct_open_items where source = 'sage_accounting'
"""
REFUSED = "select stream, record_key, reason from intermediate.int_refused_rows"
ESTIMATED = "select count(*) from intermediate.int_gathered_allocations where is_estimated"
Open = dict[str, tuple[Decimal, Decimal]]


def write_off(key: str, document: str, amount: str, on: date) -> WriteOff:
    return WriteOff(
        write_off_id=key, document_id=document, write_off_date=on, amount=Decimal(amount)
    )


def world() -> World:
    """F1 is paid with a discount, Q1 (a quick entry) out of what P1 left on account and by the
    credit note of a write-off, F5 by a part of K1; the refunds pay out parts of K1 and of P1."""
    rows = books(
        invoice("F1", "100.00"),
        invoice("F2", "50.00", currency_code="USD", exchange_rate=Decimal("0.9")),
        invoice("F3", "10.00", status="draft"),
        invoice("F4", "10.00", status="void"),
        invoice("F5", "60.00"),
        invoice("Q1", "30.00", due_date=None),
        credit_note("K1", "20.00"),
        payment("P1", "110.00", reference="P1"),
        payment("R1", "5.00", payment_type="refund", reference="R1"),
        payment("R2", "4.00", payment_type="refund", reference="R2"),
        allocation("A1", "P1", "F1", "98.00"),
        allocation("A2", "K1", "F5", "10.00", source_type="credit_note"),
        allocation("A3", "R1", "K1", "5.00"),
        allocation("A4", "R2", "P1", "4.00"),
        write_off("W1", "F1", "2.00", DAY),
        write_off("W2", "Q1", "3.00", DAY + timedelta(days=9)),
    )
    rows.clock += timedelta(days=3)
    rows.add(allocation("A5", "P1", "Q1", "5.00"))
    return rows


def open_items(settings: Settings) -> Open:
    steps.build_candidate(settings, as_of=AS_OF)
    assert steps.rows(settings, REFUSED) == []
    assert steps.rows(settings, ESTIMATED) == [(0,)]
    return {name: (amount, company) for name, amount, company in steps.rows(settings, OPEN_ITEMS)}


@pytest.fixture(scope="module")
def read_twice(home: Settings) -> Iterator[tuple[Open, Open]]:
    """Open items after the first reading, and after one of what changed since: the allocation of
    K1 is deleted, and F5 is paid."""
    steps.prepare(home)
    served = world()
    with Sandbox(served, limits=False) as sandbox:
        read_company(home, sandbox, SAGE_ACCOUNTING.key)
        first = open_items(home)
        served.clock += timedelta(days=2)
        served.delete(Allocation, "A2")
        served.add(payment("P3", "60.00", date(2026, 2, 1), reference="P3"))
        served.add(allocation("A6", "P3", "F5", "60.00"))
        read_company(home, sandbox, SAGE_ACCOUNTING.key)
        calls = sandbox.desk(SAGE_ACCOUNTING.key).calls
        assert "deleted_since" in calls.of("*/contact_allocations")[-1].query
        yield first, open_items(home)


def test_books_of_sage_end_in_what_is_owed(read_twice: tuple[Open, Open]) -> None:
    assert read_twice[0] == {
        "N-F2": (Decimal("50.00"), Decimal("45.00")),
        "N-F5": (Decimal("50.00"), Decimal("50.00")),
        "N-Q1": (Decimal("22.00"), Decimal("22.00")),
        "N-K1": (Decimal("-5.00"), Decimal("-5.00")),
        "P1": (Decimal("-3.00"), Decimal("-3.00")),
    }


def test_what_changed_in_sage_changes_what_is_owed(read_twice: tuple[Open, Open]) -> None:
    before, after = read_twice

    assert after == {
        **{name: both for name, both in before.items() if name != "N-F5"},
        "N-K1": (Decimal("-15.00"), Decimal("-15.00")),
    }


def test_demo_cannot_join_books_that_were_read(
    home: Settings, read_twice: tuple[Open, Open]
) -> None:
    with steps.pipeline(home) as connection:
        assert holds_real_books(connection)
