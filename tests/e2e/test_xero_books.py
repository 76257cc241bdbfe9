"""What only Xero's books have, from its stand-in to the open items."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
import warehouse_steps as steps
from api_steps import read_company
from sandbox_books import allocation, books, credit_note, invoice, payment

from encours.sandbox.books import Allocation, Payment, Promise, World, WriteOff
from encours.sandbox.server import Sandbox
from encours.settings import Settings
from encours.sources.xero import XERO

pytestmark = [pytest.mark.soak, pytest.mark.slow, pytest.mark.xdist_group("xero_books")]

# Later than any reading: what Xero says is open is compared with ours.
AS_OF = date(2031, 1, 1)
DAY = date(2026, 1, 10)
OPEN_ITEMS = """
select coalesce(document_number, item_type), open_amount, open_company_amount, promised_date
from marts_candidate.fct_open_items where source = 'xero'
"""
RECEIPTS = """
select amount from intermediate.int_payments where source = 'xero' order by amount, payment_key
"""
REFUSED = "select stream, record_key, reason from intermediate.int_refused_rows"
DIFFERENCES = "select * from intermediate.int_source_differences"
Open = dict[str, tuple[Decimal, Decimal, date | None]]


def world() -> World:
    """P1 pays F1 and F3 in one batch. P2 pays F5 and leaves 10 on account, 4 of which are paid
    back; P3 came before F6. K1 settles 10 of F7 and is paid back by 5; F7 has a write-off too."""
    later = DAY + timedelta(days=20)
    return books(
        invoice("F1", "100.00"),
        invoice("F2", "50.00", currency_code="USD", exchange_rate=Decimal("0.8")),
        invoice("F3", "40.00"),
        invoice("F4", "10.00", status="void"),
        invoice("F5", "60.00"),
        invoice("F6", "30.00", issue_date=later),
        invoice("F7", "70.00"),
        invoice("F8", "10.00", status="draft"),
        credit_note("K1", "20.00"),
        payment("P1", "140.00", reference="P1"),
        payment("P2", "70.00", reference="P2"),
        payment("P3", "30.00", reference="P3"),
        payment("R1", "5.00", payment_type="refund", reference="R1"),
        payment("R2", "4.00", payment_type="refund", reference="R2"),
        allocation("A1", "P1", "F1", "100.00"),
        allocation("A2", "P1", "F3", "40.00"),
        allocation("A3", "P2", "F5", "60.00"),
        allocation("A4", "P3", "F6", "30.00"),
        allocation("A5", "K1", "F7", "10.00", source_type="credit_note"),
        allocation("A6", "R1", "K1", "5.00"),
        allocation("A7", "R2", "P2", "4.00"),
        WriteOff(write_off_id="W1", document_id="F7", write_off_date=later, amount=Decimal("3.00")),
        Promise(
            promise_id="M1",
            customer_id="C1",
            document_id="F7",
            amount=Decimal("57.00"),
            promised_date=date(2026, 7, 15),
            recorded_on=later,
        ),
    )


def open_items(settings: Settings) -> tuple[Open, list[Decimal]]:
    steps.build_candidate(settings, as_of=AS_OF)
    assert steps.rows(settings, REFUSED) == []
    assert steps.rows(settings, DIFFERENCES) == []
    found = {row[0]: row[1:] for row in steps.rows(settings, OPEN_ITEMS)}
    return found, [amount for (amount,) in steps.rows(settings, RECEIPTS)]


@pytest.fixture(scope="module")
def read_twice(home: Settings) -> Iterator[list[tuple[Open, list[Decimal]]]]:
    """Open items and receipts after the first reading, and after one of what changed since: the
    payment of F3 is deleted, so are the allocation of K1 and P3, and F7 is expected later."""
    steps.prepare(home)
    served = world()
    with Sandbox(served, limits=False) as sandbox:
        read_company(home, sandbox, XERO.key)
        first = open_items(home)
        served.clock += timedelta(days=2)
        served.delete(Allocation, "A2")
        served.delete(Allocation, "A4")
        served.delete(Payment, "P3")
        served.delete(Allocation, "A5")
        served.change(
            Promise, "M1", promised_date=date(2026, 8, 15), recorded_on=served.clock.date()
        )
        read_company(home, sandbox, XERO.key)
        yield [first, open_items(home)]


def test_books_of_xero_end_in_what_is_owed(
    read_twice: list[tuple[Open, list[Decimal]]],
) -> None:
    found, receipts = read_twice[0]

    assert found == {
        "N-F2": (Decimal("50.00"), Decimal("40.00"), None),
        "N-F7": (Decimal("57.00"), Decimal("57.00"), date(2026, 7, 15)),
        "N-K1": (Decimal("-5.00"), Decimal("-5.00"), None),
        "P2": (Decimal("-6.00"), Decimal("-6.00"), None),
    }
    assert receipts == [Decimal(amount) for amount in ("4", "5", "30", "70", "140")]


def test_what_was_undone_in_xero_is_owed_again(
    read_twice: list[tuple[Open, list[Decimal]]],
) -> None:
    found, receipts = read_twice[1]

    assert found == {
        "N-F2": (Decimal("50.00"), Decimal("40.00"), None),
        "N-F3": (Decimal("40.00"), Decimal("40.00"), None),
        "N-F6": (Decimal("30.00"), Decimal("30.00"), None),
        "N-F7": (Decimal("67.00"), Decimal("67.00"), date(2026, 8, 15)),
        "N-K1": (Decimal("-15.00"), Decimal("-15.00"), None),
        "P1": (Decimal("-40.00"), Decimal("-40.00"), None),
        "P2": (Decimal("-6.00"), Decimal("-6.00"), None),
    }
    assert receipts == [Decimal(amount) for amount in ("4", "5", "40", "70", "100")]
