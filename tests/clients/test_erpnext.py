"""The ERPNext client against the stand-in: what it reads, what changed and went, how it fails."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
from scripted_server import StillClock

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.erpnext import ErpnextClient, open_client, read_records
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import (
    Allocation,
    Customer,
    Document,
    Entity,
    Instalment,
    Payment,
    World,
    WriteOff,
)
from encours.sandbox.server import Sandbox
from encours.sources.erpnext import ERPNEXT

COMPANY = "Société de démonstration"
LEDGER = "/erpnext/api/resource/Payment Ledger Entry"


def invoice(name: str, amount: str, **values: Any) -> Document:
    return Document(
        document_id=name,
        customer_id="C1",
        issue_date=date(2026, 1, 10),
        due_date=date(2026, 2, 10),
        amount_incl_tax=Decimal(amount),
        **values,
    )


def payment(name: str, amount: str, **values: Any) -> Payment:
    return Payment(
        payment_id=name,
        customer_id="C1",
        payment_date=date(2026, 1, 20),
        amount=Decimal(amount),
        **values,
    )


BOOKS: list[Any] = [
    Entity(entity_id="main", entity_name=COMPANY, siren="123456782"),
    Customer(customer_id="C1", customer_name="Client Secret", vat_number="FR01123456782"),
    invoice("F1", "120.10"),
    invoice("F2", "60.00"),
    payment("P1", "110.00"),
    Allocation(allocation_id="A1", source_id="P1", document_id="F1", amount=Decimal("100.00")),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(World()) as running:
        yield running


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.serve(World(BOOKS))
    return server


def access_to(sandbox: Sandbox, **options: str) -> Access:
    connection = sandbox.connection("erpnext")
    return Access(
        connection_id="encours_erpnext",
        entity_id="main",
        base_url=connection["host"],
        login=connection["login"],
        secret=connection["password"],
        options={**connection["extra"], **options},
    )


def client_of(sandbox: Sandbox, **options: str) -> ErpnextClient:
    return open_client(
        access_to(sandbox, **options), patience=StillClock().patience(read_seconds=0.4)
    )


def exchanges(client: ErpnextClient, stream: str, since: datetime | None = None) -> list[Exchange]:
    return list(client.read(stream, Window(since)))


def records(client: ErpnextClient, stream: str, since: datetime | None = None) -> list[Record]:
    pages = exchanges(client, stream, since)
    return [record for page in pages for record in read_records(stream, page)]


def keys(client: ErpnextClient, stream: str, since: datetime | None = None) -> set[str]:
    return {record.key for record in records(client, stream, since)}


def ledger(client: ErpnextClient, since: datetime | None = None) -> dict[tuple[str, str], Decimal]:
    """What each voucher did to which, of the rows that count."""
    return {
        (row.payload["voucher_no"], row.payload["against_voucher_no"]): row.payload["amount"]
        for row in records(client, "payment_ledger_entries", since)
        if not row.payload["delinked"]
    }


def asked(page: Exchange) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(page.request.partition("?")[2]).items()}


# ---------------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("rows", "pages"), [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (9, 4)], ids=str
)
def test_every_row_of_every_page_is_read_once(server: Sandbox, rows: int, pages: int) -> None:
    server.serve(World([Customer(customer_id=f"C{n}") for n in range(rows)]))

    read = exchanges(client_of(server, page_size="3"), "customers")

    found = [record.key for page in read for record in read_records("customers", page)]
    assert sorted(found) == [f"C{n}" for n in range(rows)]
    assert len(read) == pages


def test_names_that_differ_in_case_and_accents_are_all_read(server: Sandbox) -> None:
    names = ["b", "A", "É 1", "a b", "Z", "e/2", 'q"3', "100% & co"]
    server.serve(World([Customer(customer_id=name) for name in names]))

    assert keys(client_of(server, page_size="2"), "customers") == set(names)


def test_names_of_the_ledger_are_listed_over_several_pages(server: Sandbox) -> None:
    server.serve(World([invoice(f"F{n}", "10.00") for n in range(7)]))
    client = client_of(server, page_size="3")

    listed = records(client, "payment_ledger_names")

    assert {record.key for record in listed} == keys(client, "payment_ledger_entries")
    assert [record.payload for record in listed] == [{"name": record.key} for record in listed]
    assert len(listed) == 7


def test_rows_touched_while_a_listing_is_read_push_no_other_out(server: Sandbox) -> None:
    server.serve(World([Customer(customer_id=f"C{n}") for n in range(9)]))
    server.faults.add(
        "moving_rows",
        on="*/Customer",
        change=lambda world: world.change(Customer, "C0", customer_name="moved"),
        times=3,
    )

    assert len(keys(client_of(server, page_size="3"), "customers")) == 9


def test_page_that_is_served_twice_is_asked_for_again(server: Sandbox) -> None:
    server.serve(World([Customer(customer_id=f"C{n}") for n in range(9)]))
    server.faults.add("repeated_page", on="*/Customer", after=1)

    assert len(keys(client_of(server, page_size="3"), "customers")) == 9


def test_page_that_is_served_again_and_again_is_noticed(server: Sandbox) -> None:
    server.serve(World([Customer(customer_id=f"C{n}") for n in range(9)]))
    server.faults.add("repeated_page", on="*/Customer", after=1, times=100)

    with pytest.raises(RetryableError, match="Customer: the listing moved or repeats"):
        keys(client_of(server, page_size="3"), "customers")


# ---------------------------------------------------------------------- what is read


def test_registration_names_the_streams_that_the_client_reads(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    assert [stream.name for stream in ERPNEXT.streams if not exchanges(client, stream.name)] == []


def test_ledger_says_what_settles_what(sandbox: Sandbox) -> None:
    assert ledger(client_of(sandbox)) == {
        ("F1", "F1"): Decimal("120.10"),
        ("F2", "F2"): Decimal("60.00"),
        ("P1", "F1"): Decimal("-100.00"),
        ("P1", "P1"): Decimal("-10.00"),
    }


def test_amounts_have_the_digits_that_were_sent(sandbox: Sandbox) -> None:
    sandbox.world.change(Document, "F1", amount_incl_tax=Decimal("1234567890.17"))

    invoices = records(client_of(sandbox), "sales_invoices")

    assert {row.payload["grand_total"] for row in invoices} == {
        Decimal("1234567890.17"),
        Decimal("60.00"),
    }


def test_write_off_is_a_journal_entry_that_says_so(sandbox: Sandbox) -> None:
    loss = WriteOff(
        write_off_id="W1",
        document_id="F2",
        write_off_date=date(2026, 3, 1),
        amount=Decimal("60.00"),
    )
    sandbox.serve(World([*BOOKS, loss]))
    client = client_of(sandbox)

    (entry,) = records(client, "journal_entries")

    assert entry.payload["voucher_type"] == "Write Off Entry"
    assert ledger(client)[entry.key, "F2"] == Decimal("-60.00")


@pytest.mark.parametrize(
    ("amount", "links"),
    [("30.00", [("R1", "F1")]), ("20.00", [("R1", "R1"), ("SET-OFF-N1", "F1")])],
    ids=["posted against its invoice", "set off by a journal entry"],
)
def test_credit_note_reaches_its_invoice(
    sandbox: Sandbox, amount: str, links: list[tuple[str, str]]
) -> None:
    note = invoice("R1", "30.00", document_type="credit_note", credited_document_id="F1")
    used = Allocation(
        allocation_id="N1",
        source_type="credit_note",
        source_id="R1",
        document_id="F1",
        amount=Decimal(amount),
    )
    sandbox.serve(World([*BOOKS, note, used]))
    client = client_of(sandbox)

    rows = ledger(client)

    assert [link for link in links if link not in rows] == []
    returned = {row.key: row.payload for row in records(client, "sales_invoices")}["R1"]
    assert (returned["is_return"], returned["return_against"]) == (1, "F1")


def test_schedules_are_whole_for_each_invoice_that_was_read(server: Sandbox) -> None:
    number = 150
    parts = [
        Instalment(
            document_id="ACC-SINV-2026-00007",
            instalment_no=n,
            due_date=date(2026, n, 28),
            amount=Decimal(part),
        )
        for n, part in ((2, "40.00"), (3, "60.00"))
    ]
    server.serve(
        World([*(invoice(f"ACC-SINV-2026-{n:05d}", "100.00") for n in range(number)), *parts])
    )
    client = client_of(server)
    list(client.read("sales_invoices", Window()))

    pages = exchanges(client, "payment_schedules")

    found = {
        row.key: row.payload for page in pages for row in read_records("payment_schedules", page)
    }
    assert len(found) == number
    assert [line["payment_amount"] for line in found["ACC-SINV-2026-00007"]["lines"]] == [40, 60]
    assert len(pages) > 1
    longest = max(len(call.query) for call in server.desk("erpnext").calls)
    assert longest < 4_000


def test_schedules_are_those_of_the_company_alone(server: Sandbox) -> None:
    server.serve(
        World(
            [Entity(entity_id="one"), Entity(entity_id="two"), invoice("F1", "9.00")],
            entity_id="one",
        )
    )

    assert keys(client_of(server, company="one"), "payment_schedules") == {"F1"}
    assert keys(client_of(server, company="two"), "payment_schedules") == set()


def test_schedule_without_rows_takes_the_place_of_one_with_rows() -> None:
    request = '/api/resource/Payment Schedule?filters=[["parent","in",["F1"]]]'

    (record,) = read_records("payment_schedules", Exchange(request, b'{"data": []}'))

    assert record == Record("F1", {"name": "F1", "lines": []})


def test_only_the_fields_in_use_are_asked_for(sandbox: Sandbox) -> None:
    (page,) = exchanges(client_of(sandbox), "customers")

    assert "*" not in asked(page)["fields"]
    assert asked(page)["order_by"] == "name asc"
    assert access_to(sandbox).secret not in page.request


def test_drafts_are_not_read(sandbox: Sandbox) -> None:
    sandbox.world.change(Document, "F2", status="draft")

    assert keys(client_of(sandbox), "sales_invoices") == {"F1"}


# ---------------------------------------------------------------------- changes


def test_window_is_in_the_time_zone_of_the_site(sandbox: Sandbox) -> None:
    since = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)

    deleted, listed = exchanges(client_of(sandbox), "sales_invoices", since)

    assert '["modified",">=","2026-07-02 00:30:00.000000"]' in asked(listed)["filters"]
    assert '["modified",">=","2026-07-02 00:30:00.000000"]' in asked(deleted)["filters"]


def test_time_zone_of_the_connection_comes_before_that_of_the_site(sandbox: Sandbox) -> None:
    since = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)

    (listed,) = exchanges(
        client_of(sandbox, time_zone="Asia/Tokyo"), "payment_ledger_entries", since
    )

    assert "2026-07-02 07:30:00.000000" in asked(listed)["filters"]


@pytest.mark.parametrize("told", ["", "Mars/Olympus", "../etc/passwd"])
def test_time_zone_that_is_none_is_asked_for(sandbox: Sandbox, told: str) -> None:
    sandbox.faults.add(
        "rewritten", on="*get_time_zone", change=lambda _: {"message": {"time_zone": told}}
    )

    with pytest.raises(FatalError, match=r"encours_erpnext: the time zone .* as time_zone"):
        records(client_of(sandbox), "customers", datetime(2026, 7, 1, tzinfo=UTC))


def test_window_leaves_out_what_was_written_before_it(sandbox: Sandbox) -> None:
    since = sandbox.world.clock
    sandbox.world.clock += timedelta(minutes=1)
    sandbox.world.change(Document, "F2", due_date=date(2026, 3, 1))
    client = client_of(sandbox)

    assert keys(client, "sales_invoices", since) == {"F2"}
    assert keys(client, "payment_schedules", since) == {"F2"}


def test_payment_that_is_matched_otherwise_has_other_rows(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    before = keys(client, "payment_ledger_names")
    since = sandbox.world.clock
    sandbox.world.delete(Allocation, "A1")

    assert ledger(client, since) == {("P1", "P1"): Decimal("-110.00")}
    assert len(before - keys(client, "payment_ledger_names")) == 2


def test_cancelled_invoice_stays_and_its_ledger_rows_do_not_count(sandbox: Sandbox) -> None:
    since = sandbox.world.clock
    sandbox.world.void("F2")
    client = client_of(sandbox)

    (cancelled,) = records(client, "sales_invoices", since)
    (row,) = records(client, "payment_ledger_entries", since)

    assert (cancelled.key, cancelled.payload["docstatus"]) == ("F2", 2)
    assert (row.payload["voucher_no"], row.payload["delinked"]) == ("F2", 1)


@pytest.mark.parametrize(
    ("kind", "key", "stream"),
    [
        (Document, "F2", "sales_invoices"),
        (Payment, "P1", "payment_entries"),
        (Customer, "C1", "customers"),
    ],
)
def test_what_was_deleted_is_told(sandbox: Sandbox, kind: Any, key: str, stream: str) -> None:
    since = sandbox.world.clock
    sandbox.world.delete(kind, key)

    deleted = [row for row in records(client_of(sandbox), stream, since) if row.is_deleted]

    assert [row.key for row in deleted] == [key]


def test_what_was_deleted_and_came_back_is_there(sandbox: Sandbox) -> None:
    since = sandbox.world.clock
    gone = sandbox.world.get(Customer, "C1")
    sandbox.world.delete(Customer, "C1")
    sandbox.world.add(gone)

    found = records(client_of(sandbox), "customers", since)

    assert [(row.key, row.is_deleted) for row in found] == [("C1", True), ("C1", False)]


# ---------------------------------------------------------------------- company and access


def test_company_is_named_with_the_moment_of_its_creation(sandbox: Sandbox) -> None:
    name, _, created = client_of(sandbox).company_id().partition("@")

    assert name == COMPANY
    assert datetime.fromisoformat(created)


def test_only_company_needs_no_name(sandbox: Sandbox) -> None:
    assert client_of(sandbox, company="").company_id().startswith(COMPANY)


def test_several_companies_need_a_name(server: Sandbox) -> None:
    server.serve(World([Entity(entity_id="one"), Entity(entity_id="two")], entity_id="one"))

    with pytest.raises(FatalError, match=r"several companies \(it sees one, two: .*company"):
        client_of(server, company="").company_id()


def test_company_that_the_user_does_not_see_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match="sees no company Other"):
        client_of(sandbox, company="Other").company_id()


def test_account_that_was_switched_is_another_company(sandbox: Sandbox) -> None:
    before = client_of(sandbox, company="").company_id()
    sandbox.faults.add("switched_account")

    assert client_of(sandbox, company="").company_id() != before
    with pytest.raises(FatalError, match="sees no company"):
        client_of(sandbox).company_id()


@pytest.mark.parametrize("field", ["login", "secret"])
def test_connection_needs_key_and_secret(sandbox: Sandbox, field: str) -> None:
    with pytest.raises(FatalError, match="API key as login and the API secret as password"):
        open_client(replace(access_to(sandbox), **{field: ""}))


@pytest.mark.parametrize("size", ["0", "many", "-1"])
def test_page_size_is_a_number(sandbox: Sandbox, size: str) -> None:
    with pytest.raises(FatalError, match=r"page_size .* is no number from 1"):
        client_of(sandbox, page_size=size)


# ---------------------------------------------------------------------- faults


PASSING_FAULTS = ["too_many_requests", "server_error", "hang", "reset", "truncated", "html_page"]


@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_fault_that_passes_costs_no_row(sandbox: Sandbox, fault: str) -> None:
    sandbox.faults.add(fault)

    assert len(keys(client_of(sandbox), "payment_ledger_entries")) == 4


@pytest.mark.parametrize("fault", ["too_many_requests", "server_error", "html_page", "truncated"])
def test_fault_that_stays_ends_in_one_line(sandbox: Sandbox, fault: str) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add(fault, times=100)

    with pytest.raises(RetryableError) as failure:
        records(client, "payment_ledger_entries")

    assert_one_line(failure.value)


def assert_one_line(error: EncoursError) -> None:
    line = str(error)
    assert line.startswith("encours_erpnext: ")
    assert "\n" not in line
    assert "Traceback" not in line
    assert "Secret" not in line


def test_secret_that_dies_in_mid_run_names_the_way_to_mend_it(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("dead_token")

    with pytest.raises(FatalError, match=r"access was refused.*encours connect erpnext") as failure:
        records(client, "sales_invoices")

    assert_one_line(failure.value)


def test_right_that_is_missing_names_the_doctype(sandbox: Sandbox) -> None:
    said = '{"exc_type": "PermissionError", "exception": "Client Secret\\nTraceback"}'
    sandbox.faults.add("server_error", on="*/Deleted Document", status=403, body=said, times=9)

    with pytest.raises(
        FatalError, match=r"Deleted Document: answered 403: PermissionError .*connect erpnext"
    ) as failure:
        records(client_of(sandbox), "customers", datetime(2026, 7, 1, tzinfo=UTC))

    assert_one_line(failure.value)


@pytest.mark.parametrize(
    ("status", "exc_type"), [(404, "DoesNotExistError"), (417, "ValidationError")]
)
def test_refusal_is_final(sandbox: Sandbox, status: int, exc_type: str) -> None:
    body = f'{{"exc_type": "{exc_type}", "exception": "Client Secret"}}'
    sandbox.faults.add("server_error", on=LEDGER, status=status, body=body, times=9)

    with pytest.raises(FatalError, match=f"answered {status}: {exc_type}") as failure:
        records(client_of(sandbox), "payment_ledger_entries")

    assert_one_line(failure.value)


def test_traceback_of_the_server_is_told_nowhere(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = '{"exception": "x", "exc": "[\\"Traceback (most recent call last): Client Secret\\"]"}'
    sandbox.faults.add("server_error", body=said, times=100)

    with pytest.raises(RetryableError) as failure:
        records(client_of(sandbox), "customers")

    assert_one_line(failure.value)
    assert "Traceback" not in caplog.text
    assert "Secret" not in caplog.text


def test_clock_of_the_site_is_that_of_the_answers(sandbox: Sandbox) -> None:
    sandbox.faults.add("clock_skew", seconds=3600)

    (page,) = exchanges(client_of(sandbox), "customers")

    assert page.answered_at == sandbox.world.clock.replace(microsecond=0) + timedelta(hours=1)


def test_field_that_is_new_does_no_harm(sandbox: Sandbox) -> None:
    sandbox.faults.add("new_field")

    assert len(keys(client_of(sandbox), "payment_ledger_entries")) == 4


@pytest.mark.parametrize(
    ("fault", "stream", "options", "message"),
    [
        ("unknown_value", "sales_invoices", {}, r"Sales Invoice F1: docstatus is none of 0, 1, 2"),
        ("unknown_value", "sales_invoices", {"field": "data.*.is_return"}, "is_return is none of"),
        ("unknown_value", "payment_entries", {"field": "data.*.payment_type"}, "none of Receive"),
        ("missing_field", "payment_ledger_entries", {}, "has no field delinked"),
        ("other_type", "payment_ledger_entries", {}, r"Payment Ledger Entry \w+: amount is no num"),
        ("other_type", "sales_invoices", {"field": "data.*.due_date"}, "due_date is no date"),
        ("unknown_value", "sales_invoices", {"field": "data.*.customer", "value": ""}, "is empty"),
        ("other_type", "customers", {"field": "data"}, "the answer is no list"),
        ("missing_field", "customers", {"field": "data.*.name"}, "a record has no name"),
    ],
)
def test_row_of_another_shape_is_refused(
    sandbox: Sandbox, fault: str, stream: str, options: dict[str, str], message: str
) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add(fault, **options)

    with pytest.raises(FatalError, match=f"erpnext: .*{message}"):
        records(client, stream)


@pytest.mark.parametrize(
    ("stream", "request_"),
    [
        ("customers", "/api/resource/Sales Invoice?filters=[]"),
        ("payment_ledger_entries", "/api/resource/Deleted Document?filters=[]"),
        ("customers", "/api/resource/Customer?filters=7"),
    ],
)
def test_answer_to_another_request_is_refused(stream: str, request_: str) -> None:
    with pytest.raises(FatalError, match="the landed request"):
        list(read_records(stream, Exchange(request_, b'{"data": []}')))


# ---------------------------------------------------------------------- the stand-in itself


def test_site_lists_twenty_names_unless_told_otherwise(server: Sandbox) -> None:
    server.serve(World([Customer(customer_id=f"C{n:02d}") for n in range(25)]))
    url = f"{server.url}/erpnext/api/resource/Customer"
    pair = f"{server.connection('erpnext')['login']}:{server.desk('erpnext').token}"
    basic = {"Authorization": "Basic " + b64encode(pair.encode()).decode()}

    listed = requests.get(url, headers=basic, timeout=5).json()["data"]

    assert len(listed) == 20
    assert all(set(row) == {"name"} for row in listed)


@pytest.mark.parametrize(
    ("path", "status", "exc_type"),
    [
        ("Payment Schedule", 403, "PermissionError"),
        ("Nothing", 404, "DoesNotExistError"),
        ('Customer?fields=["phone"]', 417, "DataError"),
        ('Customer?filters=[["name","like","C"]]', 417, "ValidationError"),
    ],
)
def test_site_refuses_as_frappe_does(
    sandbox: Sandbox, path: str, status: int, exc_type: str
) -> None:
    pair = f"{sandbox.connection('erpnext')['login']}:{sandbox.desk('erpnext').token}"
    headers = {"Authorization": f"token {pair}"}

    answer = requests.get(f"{sandbox.url}/erpnext/api/resource/{path}", headers=headers, timeout=5)

    assert (answer.status_code, answer.json()["exc_type"]) == (status, exc_type)
