"""What only Dolibarr's books have, from its stand-in to the open items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
import warehouse_steps as steps
from api_steps import read_company
from test_dolibarr import allocation, invoice, payment

from encours.sandbox.books import Allocation, Customer, Entity, World, WriteOff
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.dolibarr import DOLIBARR

pytestmark = [
    pytest.mark.soak,
    pytest.mark.slow,
    pytest.mark.xdist_group("dolibarr_books"),
]

AS_OF = date(2026, 6, 30)
USD = {"currency_code": "USD", "exchange_rate": Decimal("0.9")}
OPEN_ITEMS = """
select coalesce(document_number, source_document_id), open_amount, open_company_amount
from marts_candidate.fct_open_items where source = 'dolibarr'
"""
REFUSED = "select stream, record_key, reason from intermediate.int_refused_rows"
ESTIMATED = """
select source_document_id, amount from intermediate.int_gathered_allocations where is_estimated
"""
WRITTEN_OFF = """
select reason, amount, write_off_date >= '2026-01-20'
from intermediate.int_gathered_write_offs order by amount
"""
Open = dict[str, tuple[Decimal, Decimal]]


def write_off(document: str, amount: str) -> WriteOff:
    return WriteOff(
        write_off_id=document,
        document_id=document,
        write_off_date=date(2026, 1, 20),
        amount=Decimal(amount),
    )


def world() -> World:
    """F1 is closed with 2 unpaid and F7 is abandoned; K1 is used on F5 by half, and paid back in
    part; P6 is more than F6."""
    return World(
        [
            Entity(entity_id="dolibarr", entity_name="Société", siren="123456782"),
            Customer(customer_id="C1", customer_name="Client", siren="123456782"),
            invoice("F1", "100.00"),
            invoice("F2", "50.00", **USD),
            invoice("F3", "10.00", status="draft"),
            invoice("F4", "10.00", status="void"),
            invoice("F5", "60.00"),
            invoice("F6", "30.00"),
            invoice("F7", "15.00"),
            invoice("K1", "20.00", document_type="credit_note", due_date=None),
            payment("P1", "98.00"),
            payment("P2", "20.00", **USD),
            payment("P6", "40.00"),
            payment("R1", "5.00", payment_type="refund"),
            allocation("P1", "F1", "98.00"),
            allocation("P2", "F2", "20.00"),
            allocation("K1", "F5", "10.00", source_type="credit_note"),
            allocation("P6", "F6", "30.00"),
            allocation("R1", "K1", "5.00"),
            write_off("F1", "2.00"),
            write_off("F7", "15.00"),
        ]
    )


def open_items(settings: Settings) -> Open:
    steps.build_candidate(settings, as_of=AS_OF)
    assert steps.rows(settings, REFUSED) == []
    return {name: (amount, company) for name, amount, company in steps.rows(settings, OPEN_ITEMS)}


@pytest.fixture(scope="module")
def read_twice(home: Settings) -> Iterator[tuple[Open, Open]]:
    """Open items after the first reading, and after one of what changed since: the credit note is
    taken off F5, which is paid instead."""
    steps.prepare(home)
    served = world()
    with Sandbox(served, limits=False) as sandbox:
        read_company(home, sandbox, DOLIBARR.key)
        first = open_items(home)
        served.clock += timedelta(days=2)
        served.delete(Allocation, "K1-F5")
        served.add(payment("P9", "60.00", payment_date=date(2026, 1, 22)))
        served.add(allocation("P9", "F5", "60.00"))
        read_company(home, sandbox, DOLIBARR.key)
        yield first, open_items(home)


def test_books_of_dolibarr_end_in_what_is_owed(read_twice: tuple[Open, Open]) -> None:
    assert read_twice[0] == {
        "F2": (Decimal("30.00"), Decimal("27.00")),
        "F5": (Decimal("50.00"), Decimal("50.00")),
        "K1": (Decimal("-5.00"), Decimal("-5.00")),
        "PAY-P6": (Decimal("-10.00"), Decimal("-10.00")),
    }


def test_what_changed_in_dolibarr_changes_what_is_owed(read_twice: tuple[Open, Open]) -> None:
    before, after = read_twice

    assert after == {
        **{name: both for name, both in before.items() if name != "F5"},
        "K1": (Decimal("-15.00"), Decimal("-15.00")),
    }


def test_what_dolibarr_does_not_tell_is_marked_or_dated_by_the_reading(
    home: Settings, read_twice: tuple[Open, Open]
) -> None:
    assert [amount for _, amount in steps.rows(home, ESTIMATED)] == [Decimal("20.00")]
    assert steps.rows(home, WRITTEN_OFF) == [
        ("badcustomer", Decimal("2.00"), True),
        ("badcustomer", Decimal("15.00"), True),
    ]
