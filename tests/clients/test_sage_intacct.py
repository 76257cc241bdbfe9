"""The client of Sage Intacct against the stand-in: what it reads, and how it fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from sandbox_books import DAY, allocation, invoice, payment
from scripted_server import Answer, StillClock, serve

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.sage_intacct import SageIntacctClient, open_client, read_records
from encours.clients.sage_intacct_records import LISTED, SHAPES
from encours.clients.sage_intacct_xml import read_answer
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import (
    Allocation,
    Customer,
    Dispute,
    Document,
    DunningAction,
    Entity,
    World,
    WriteOff,
)
from encours.sandbox.sage_intacct_records import number_of
from encours.sandbox.server import Sandbox
from encours.sources.sage_intacct import SAGE_INTACCT

NAME = "sage_intacct"
GATEWAY = "/sage_intacct/ia/xml/xmlgw.phtml"


def customer(key: str = "C1") -> Customer:
    return Customer(
        customer_id=key,
        customer_name=f"Client <Secret> & {key}",
        siren="123456782",
        vat_number="FR00123456782",
        country_code="FR",
    )


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(World()) as running:
        yield running


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    return serve_books(server, invoice())


def serve_books(server: Sandbox, *rows: Any, limits: bool = False) -> Sandbox:
    server.serve(World([Entity(), customer(), *rows]), limits=limits)
    return server


def access_to(sandbox: Sandbox, **options: str) -> Access:
    connection = sandbox.connection(NAME)
    return Access(
        connection_id="encours_sage_intacct",
        entity_id="main",
        base_url=connection["host"],
        login=connection["login"],
        secret=connection["password"],
        options={**connection["extra"], **options},
    )


def client_of(sandbox: Sandbox, **options: str) -> SageIntacctClient:
    return open_client(
        access_to(sandbox, **options), patience=StillClock().patience(read_seconds=0.4)
    )


def exchanges(
    client: SageIntacctClient, stream: str, since: datetime | None = None
) -> list[Exchange]:
    return list(client.read(stream, Window(since)))


def records(client: SageIntacctClient, stream: str, since: datetime | None = None) -> list[Record]:
    pages = exchanges(client, stream, since)
    return [record for page in pages for record in read_records(stream, page)]


def fields(client: SageIntacctClient, stream: str, *names: str) -> list[tuple[str, ...]]:
    """The values of these fields, in any order of the records."""
    found = records(client, stream)
    return sorted(tuple(record.payload[name] for name in names) for record in found)


def queries(sandbox: Sandbox) -> list[Any]:
    """The queries that the gateway was asked."""
    asked = (fromstring(call.body) for call in sandbox.desk(NAME).calls)
    return [query for body in asked for query in body.iter("query")]


# ---------------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("rows", "pages"), [(0, 1), (1, 1), (3, 1), (4, 2), (6, 2), (9, 3)], ids=str
)
def test_every_row_of_every_page_is_read_once(server: Sandbox, rows: int, pages: int) -> None:
    serve_books(server, *(invoice(f"F{n}") for n in range(rows)))

    read = exchanges(client_of(server, page_size="3"), "invoices")

    found = [
        record.payload["RECORDID"] for page in read for record in read_records("invoices", page)
    ]
    assert sorted(found) == sorted(f"N-F{n}" for n in range(rows))
    assert len(read) == pages
    assert read[0].stated_total == rows


def test_numbers_of_all_objects_are_listed_over_several_pages(server: Sandbox) -> None:
    notes = [invoice(f"K{n}", document_type="credit_note") for n in range(4)]
    serve_books(server, *notes, *(invoice(f"F{n}") for n in range(5)), payment("P1", "9"))

    client = client_of(server, page_size="2")
    pages = exchanges(client, "record_ids")

    keys = [record.key for page in pages for record in read_records("record_ids", page)]
    named = [("ARADVANCE", "payment/P1"), *(("ARINVOICE", f"document/F{n}") for n in range(5))]
    named += [("ARADJUSTMENT", f"document/K{n}") for n in range(4)]
    assert sorted(keys) == sorted(f"{name}/{number_of(*of.split('/'))}" for name, of in named)
    assert max(page.stated_total or 0 for page in pages) == len(keys)


def test_rows_touched_while_a_listing_is_read_push_no_other_out(server: Sandbox) -> None:
    serve_books(server, *(invoice(f"F{n}") for n in range(9)))
    server.faults.add(
        "moving_rows",
        change=lambda world: world.change(Document, "F0", due_date=DAY),
        times=4,
    )

    found = fields(client_of(server, page_size="3"), "invoices", "RECORDID")

    assert found == [(f"N-F{n}",) for n in range(9)]


def test_page_that_is_served_twice_costs_no_row(server: Sandbox) -> None:
    serve_books(server, *(invoice(f"F{n}") for n in range(9)))
    client = client_of(server, page_size="3")
    client.company_id()
    server.faults.add("repeated_page", after=1)

    found = {record.key for record in records(client, "invoices")}

    assert len(found) == 9


def test_row_that_goes_while_a_listing_is_read_is_noticed(server: Sandbox) -> None:
    serve_books(server, *(invoice(f"F{n}") for n in range(9)))
    last = max((f"F{n}" for n in range(9)), key=lambda key: int(number_of("document", key)))
    client = client_of(server, page_size="3")
    client.company_id()
    server.faults.add("moving_rows", change=lambda world: world.delete(Document, last))

    with pytest.raises(RetryableError, match="8 of 9 records came"):
        records(client, "invoices")


def test_queries_are_as_the_schema_of_the_gateway_has_them(server: Sandbox) -> None:
    """The vendor's page on queries: one operator in a filter, at least two in `and`."""
    serve_books(server, *(invoice(f"F{n}") for n in range(4)))
    client = client_of(server, page_size="3")
    records(client, "invoices")
    records(client, "invoices", datetime(2026, 1, 1, tzinfo=UTC))

    asked = queries(server)

    assert [[part.tag for part in query] for query in asked] == [
        ["object", "select", *where, "orderby", "options", "pagesize"]
        for where in ([], ["filter"], ["filter"], ["filter"])
    ]
    assert [[part.tag for part in query.iterfind("filter/*")] for query in asked] == [
        [],
        ["greaterthan"],
        ["greaterthanorequalto"],
        ["and"],
    ]
    assert {query.findtext("options/showprivate") for query in asked} == {"true"}
    assert asked[2].findtext("filter/*/value") == "01/01/2026 00:00:00"


# ---------------------------------------------------------------------- what is read


def test_invoice_comes_as_intacct_tells_it(sandbox: Sandbox) -> None:
    (found,) = records(client_of(sandbox), "invoices")

    assert found.key == number_of("document", "F1")
    assert {name: found.payload[name] for name in ("RECORDID", "WHENCREATED", "WHENDUE")} == {
        "RECORDID": "N-F1",
        "WHENCREATED": "01/10/2026",
        "WHENDUE": "02/09/2026",
    }
    assert found.payload["TRX_TOTALENTERED"] == found.payload["TRX_TOTALDUE"] == "120.1"
    assert (found.payload["STATE"], found.payload["RAWSTATE"]) == ("Posted", "A")
    touched = sandbox.world.touched_at(sandbox.world.get(Document, "F1"))
    assert found.updated_at == touched.replace(microsecond=0)


def test_states_follow_what_is_due(server: Sandbox) -> None:
    serve_books(
        server,
        invoice("PAID", "10"),
        invoice("PART", "10"),
        invoice("NIL", "0"),
        invoice("DRAFT", "10", status="draft"),
        invoice("VOID", "10", status="void"),
        payment("P1", "14"),
        allocation("A1", "P1", "PAID", "10"),
        allocation("A2", "P1", "PART", "4"),
    )

    assert fields(client_of(server), "invoices", "RECORDID", "STATE", "TRX_TOTALENTERED") == [
        ("N-DRAFT", "Draft", "10"),
        ("N-NIL", "No Value", "0"),
        ("N-PAID", "Paid", "10"),
        ("N-PART", "Partially Paid", "10"),
        ("N-VOID", "Reversed", "10"),
        ("Reversed - N-VOID", "Reversal", "-10"),
    ]


def test_money_is_told_by_payment_and_detail(server: Sandbox) -> None:
    serve_books(
        server,
        invoice("F1", "100", currency_code="USD", exchange_rate=Decimal("0.9")),
        payment("P1", "60", currency_code="USD", exchange_rate=Decimal("0.8"), reference="chq 7"),
        allocation("A1", "P1", "F1", "50"),
    )
    client = client_of(server)

    paid, over = number_of("payment", "P1"), number_of("overpayment", "P1")
    assert fields(client, "payments", "RECORDTYPE", "TRX_TOTALENTERED", "TOTALENTERED") == [
        ("ro", "10", "8"),
        ("rp", "50", "40"),
    ]
    assert fields(client, "payments", "RECORDNO", "PARENTPAYMENTKEY", "DOCNUMBER") == sorted(
        [(paid, "", "chq 7"), (over, paid, "chq 7")]
    )
    assert fields(
        client, "payment_details", "PAYMENTKEY", "RECORDKEY", "TRX_PAYMENTAMOUNT", "PAYMENTDATE"
    ) == [(paid, number_of("document", "F1"), "50", "01/10/2026")]


def test_credits_are_told_by_their_own_keys(server: Sandbox) -> None:
    serve_books(
        server,
        invoice("F1", "100"),
        invoice("K1", "30", document_type="credit_note"),
        payment("P1", "20", DAY - timedelta(days=5)),
        allocation("A1", "P1", "F1", "20"),
        allocation("A2", "K1", "F1", "30", source_type="credit_note"),
        WriteOff(write_off_id="W1", document_id="F1", write_off_date=DAY, amount=Decimal(1)),
    )
    client = client_of(server)

    assert fields(client, "adjustments", "RECORDID", "TRX_TOTALENTERED") == [
        ("N-K1", "-30"),
        ("WO-W1", "-1"),
    ]
    assert fields(client, "advances", "RECORDNO", "TRX_TOTALENTERED") == [
        (number_of("payment", "P1"), "20")
    ]
    told = ("ADJUSTMENTKEY", "TRX_ADJUSTMENTAMOUNT", "POSTEDADVANCEKEY")
    assert fields(client, "payment_details", *told, "TRX_POSTEDADVANCEAMOUNT") == sorted(
        [
            ("", "", number_of("payment", "P1"), "20"),
            (number_of("document", "K1"), "30", "", ""),
            (number_of("write_off", "W1"), "1", "", ""),
        ]
    )


def test_disputes_and_reminders_are_told_with_the_invoice(server: Sandbox) -> None:
    serve_books(
        server,
        invoice("F1"),
        Dispute(dispute_id="D1", document_id="F1", opened_on=DAY, reason="Wrong price"),
        DunningAction(action_id="R1", customer_id="C1", document_id="F1", action_date=DAY),
    )

    assert fields(client_of(server), "invoices", "DISPUTEREASON", "DUNNINGCOUNT") == [
        ("Wrong price", "1")
    ]


def test_customer_comes_with_the_identity_of_its_contact(sandbox: Sandbox) -> None:
    names = ("CUSTOMERID", "NAME", "DISPLAYCONTACT.SIRET", "DISPLAYCONTACT.TAXID")

    assert fields(client_of(sandbox), "customers", *names) == [
        ("C1", "Client <Secret> & C1", "12345678200017", "FR00123456782")
    ]


def test_registration_names_the_streams_that_the_client_reads(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    assert [
        stream.name for stream in SAGE_INTACCT.streams if not exchanges(client, stream.name)
    ] == []
    assert set(LISTED) < {stream.name for stream in SAGE_INTACCT.streams}


def test_fields_of_every_object_are_known_to_the_stand_in(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    for stream in SHAPES:
        records(client, stream)

    assert {query.findtext("object") for query in queries(sandbox)} == {
        shape.object for shape in SHAPES.values()
    }
    assert sandbox.desk(NAME).errors == []


# ---------------------------------------------------------------------- changes


def test_window_leaves_out_what_was_changed_before_it(server: Sandbox) -> None:
    serve_books(server, invoice("F1"), invoice("F2"))
    server.world.change(Document, "F2", due_date=DAY)

    changed = records(client_of(server), "invoices", server.world.clock)

    assert [record.payload["RECORDID"] for record in changed] == ["N-F2"]


def test_window_holds_what_was_changed_in_its_first_second(sandbox: Sandbox) -> None:
    sandbox.world.clock = datetime(2026, 5, 1, 10, 0, 0, 300_000, tzinfo=UTC)
    sandbox.world.change(Document, "F1", due_date=DAY)
    since = sandbox.world.clock + timedelta(microseconds=400_000)

    assert len(records(client_of(sandbox), "invoices", since)) == 1


def test_payment_shows_in_the_invoice_that_it_settles(sandbox: Sandbox) -> None:
    since = sandbox.world.clock
    sandbox.world.add(payment("P1", "120.10", since.date()))
    sandbox.world.add(allocation("A1", "P1", "F1", "120.10"))

    (changed,) = records(client_of(sandbox), "invoices", since)

    assert (changed.payload["STATE"], changed.payload["TRX_TOTALDUE"]) == ("Paid", "0")


@pytest.mark.parametrize(
    ("undo", "gone"),
    [
        (
            lambda world: world.delete(Allocation, "A1"),
            {("ARPYMTDETAIL", "detail/allocations/A1"), ("ARPYMT", "payment/P1")},
        ),
        (lambda world: world.delete(Document, "F2"), {("ARINVOICE", "document/F2")}),
    ],
    ids=["application", "document"],
)
def test_what_is_deleted_is_no_longer_listed(
    server: Sandbox, undo: Callable[[World], object], gone: set[tuple[str, str]]
) -> None:
    serve_books(
        server,
        invoice("F1"),
        invoice("F2"),
        payment("P1", "20"),
        allocation("A1", "P1", "F1", "20"),
    )
    client = client_of(server)
    before = {record.key for record in records(client, "record_ids")}
    undo(server.world)

    after = {record.key for record in records(client, "record_ids")}

    assert before - after == {f"{name}/{number_of(*of.split('/'))}" for name, of in gone}


# ---------------------------------------------------------------------- access


def test_company_is_the_one_that_was_signed_in_to(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    assert client.company_id() == client.company_id() == "main"
    assert len(sandbox.desk(NAME).calls) == 1


def test_account_that_was_switched_is_another_company(sandbox: Sandbox) -> None:
    before = client_of(sandbox).company_id()
    sandbox.faults.add("switched_account")

    assert client_of(sandbox).company_id() != before


def test_account_that_is_switched_in_mid_run_is_noticed(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("switched_account")

    with pytest.raises(FatalError, match="answers for main-switched now, for main before"):
        records(client, "invoices")


def test_session_that_dies_in_mid_run_is_made_anew(server: Sandbox) -> None:
    serve_books(server, *(invoice(f"F{n}") for n in range(9)))
    client = client_of(server, page_size="3")
    client.company_id()
    server.faults.add("dead_token", after=1)

    assert len(records(client, "invoices")) == 9
    logins = [call for call in server.desk(NAME).calls if b"<login>" in call.body]
    assert len(logins) == 2


def test_session_that_is_never_good_ends_in_one_line(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    sandbox.faults.add("dead_token", times=100)

    with pytest.raises(
        FatalError, match=r"access was refused.*encours connect sage_intacct"
    ) as end:
        records(client, "invoices")

    assert_one_line(end.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"secret": "wrong"}, "access was refused: code XL03000006"),
        ({"options": {"company_id": "other"}}, "access was refused"),
        ({"options": {"sender_password": "wrong"}}, "sender was refused: code XL03000006"),
    ],
    ids=["password", "company", "sender"],
)
def test_wrong_credentials_name_the_way_to_mend_them(
    sandbox: Sandbox, wrong: dict[str, Any], message: str
) -> None:
    access = access_to(sandbox)
    access = replace(
        access,
        secret=wrong.get("secret", access.secret),
        options={**access.options, **wrong.get("options", {})},
    )

    with pytest.raises(FatalError, match=rf"{message}.*encours connect sage_intacct") as end:
        open_client(access, patience=StillClock().patience()).company_id()

    assert_one_line(end.value)
    assert len(sandbox.desk(NAME).calls) == 1


@pytest.mark.parametrize("option", ["company_id", "sender_id", "sender_password"])
def test_connection_without_what_it_needs_is_refused(sandbox: Sandbox, option: str) -> None:
    with pytest.raises(FatalError, match=f"has no {option}"):
        client_of(sandbox, **{option: ""})


@pytest.mark.parametrize("size", ["0", "2001", "many"])
def test_page_size_that_the_gateway_has_not_is_refused(sandbox: Sandbox, size: str) -> None:
    with pytest.raises(FatalError, match="page_size"):
        client_of(sandbox, page_size=size)


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://elsewhere.example/ia/xml/xmlgw.phtml",
        "https://www.intacct.com.elsewhere.example/ia",
        "http://api.intacct.com/ia/xml/xmlgw.phtml",
        "https://[",
        "no address",
    ],
)
def test_address_that_is_not_the_vendors_gets_no_session(sandbox: Sandbox, endpoint: str) -> None:
    def elsewhere(answer: Any) -> Any:
        answer["response"]["operation"]["result"]["data"]["api"][0]["endpoint"] = endpoint
        return answer

    sandbox.faults.add("rewritten", change=elsewhere)

    with pytest.raises(FatalError, match="an address that is not its own"):
        client_of(sandbox).company_id()


def test_requests_are_told_without_credentials(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(sandbox, sender_password="sandbox")

    (page,) = exchanges(client, "invoices", datetime(2026, 1, 1, tzinfo=UTC))

    assert page.request == (
        "/sage_intacct/ia/xml/xmlgw.phtml query ARINVOICE"
        " WHENMODIFIED greaterthanorequalto 01/01/2026 00:00:00 pagesize 1000"
    )
    told = [*caplog.messages, page.body.decode()]
    assert not [line for line in told if "sage_intacct-access" in line or "password" in line]


# ---------------------------------------------------------------------- faults


PASSING_FAULTS = ["too_many_requests", "server_error", "hang", "reset", "truncated", "html_page"]


@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_fault_that_passes_costs_no_row(server: Sandbox, fault: str) -> None:
    serve_books(server, *(invoice(f"F{n}") for n in range(4)))
    client = client_of(server, page_size="3")
    server.faults.add(fault, after=1)

    assert len(records(client, "invoices")) == 4


@pytest.mark.parametrize("fault", ["server_error", "html_page", "truncated", "too_many_requests"])
def test_fault_that_stays_ends_in_one_line(sandbox: Sandbox, fault: str) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add(fault, times=100)

    with pytest.raises(RetryableError) as end:
        records(client, "invoices")

    assert_one_line(end.value)


def assert_one_line(error: EncoursError) -> None:
    line = str(error)
    assert line.startswith("encours_sage_intacct: ")
    assert "\n" not in line
    assert "Secret" not in line


def test_client_keeps_to_ten_requests_in_a_second(server: Sandbox) -> None:
    clock = StillClock()
    server.serve(
        World([invoice(f"F{n}") for n in range(30)]), limits=True, monotonic=clock.monotonic
    )
    client = open_client(access_to(server, page_size="1"), patience=clock.patience())

    read = exchanges(client, "invoices")

    assert len(read) == 30
    assert len(server.desk(NAME).calls) == 31
    assert server.desk(NAME).calls.most_within(1.0) == 10


@pytest.mark.parametrize(
    "body",
    [
        b"API rate limit exceeded",
        b'<?xml version="1.0"?><status>failure</status><errormessage><error>'
        b"<description2>API rate limit exceeded</description2></error></errormessage>",
    ],
    ids=["text", "no root"],
)
def test_limit_is_obeyed_in_any_shape(sandbox: Sandbox, body: bytes) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("server_error", status=200, body=body.decode(), times=2)

    assert len(records(client, "invoices")) == 1


def test_refusal_tells_its_code_and_nothing_of_anyone(sandbox: Sandbox) -> None:
    said = (
        "<response><control><status>success</status></control><operation><authentication><status>"
        "success</status></authentication><result><status>failure</status><errormessage><error>"
        "<errorno>DL02000001</errorno><description2>No permission for Client Secret to read this"
        " object</description2></error></errormessage></result></operation></response>"
    )
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("server_error", status=200, body=said)

    with pytest.raises(FatalError, match="refused by Intacct: code DL02000001") as end:
        records(client, "invoices")

    assert_one_line(end.value)


def test_clock_of_the_gateway_is_that_of_the_answers(sandbox: Sandbox) -> None:
    sandbox.faults.add("clock_skew", seconds=3600)

    (page,) = exchanges(client_of(sandbox), "invoices")

    assert page.answered_at == sandbox.world.clock.replace(microsecond=0) + timedelta(hours=1)


def test_field_that_is_new_is_kept(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("new_field")

    (found,) = records(client, "invoices")

    assert found.payload["X_NEW"] == "sandbox_new"


@pytest.mark.parametrize(
    ("fault", "options", "message"),
    [
        ("missing_field", {}, r"ARINVOICE \d+ has no field CURRENCY"),
        ("other_type", {}, r"ARINVOICE \d+: WHENMODIFIED is no moment"),
        ("other_type", {"field": "**.TRX_TOTALDUE", "value": "1,5"}, "TRX_TOTALDUE is no amount"),
        ("other_type", {"field": "**.WHENDUE", "value": "2026-02-09"}, "WHENDUE is no date"),
        ("other_type", {"field": "**.RECORDNO", "value": "F1"}, "has no RECORDNO"),
        ("unknown_value", {"field": "**.@numremaining"}, "has no numremaining"),
    ],
)
def test_row_of_another_shape_is_refused(
    sandbox: Sandbox, fault: str, options: dict[str, str], message: str
) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add(fault, **options)

    with pytest.raises(FatalError, match=message):
        records(client, "invoices")


def test_state_that_is_new_reaches_the_checks(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("unknown_value")

    assert fields(client, "invoices", "STATE") == [("sandbox_unknown",)]


@pytest.mark.parametrize(
    "order", [["2", "1"], ["1", "1"]], ids=["backwards", "the same number twice"]
)
def test_page_in_another_order_is_refused(sandbox: Sandbox, order: list[str]) -> None:
    def reordered(answer: Any) -> Any:
        listing = answer["response"]["operation"]["result"]["data"]
        record = listing["ARINVOICE"][0]
        listing["ARINVOICE"] = [{**record, "RECORDNO": number} for number in order]
        return answer

    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("rewritten", change=reordered)

    with pytest.raises(FatalError, match="order asked for"):
        records(client, "invoices")


# ---------------------------------------------------------------------- answers


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<response>",
        b"<html><body>Service unavailable</body></html>",
        b'<!DOCTYPE a [<!ENTITY b "bbbb">]><response><control><status>&b;</status></control>'
        b"</response>",
        '<!DOCTYPE a [<!ENTITY b "bbbb">]><response><control><status>success</status></control>'
        "</response>".encode("utf-16"),
        b"<response><control><status>success</status></control><data><A><B><C/></B></A></data>"
        b"</response>",
    ],
    ids=["empty", "broken", "page", "entities", "entities in UTF-16", "nested fields"],
)
def test_body_of_another_shape_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"gateway|other fields"):
        read_answer(body)


def test_failure_that_was_landed_is_no_page() -> None:
    body = b"<response><control><status>failure</status></control></response>"

    with pytest.raises(FatalError, match="tells of a failure"):
        list(read_records("invoices", Exchange("", body)))


def test_endpoint_of_the_vendor_takes_the_requests_that_follow() -> None:
    """Another host than the one that was signed in at."""

    def script(asked: Any) -> Answer:
        port = asked.headers["host"].rpartition(":")[2]
        session = (
            "<data><api><sessionid>s</sessionid><endpoint>http://127.0.0.1:"
            f"{port}/elsewhere</endpoint></api></data>"
        )
        listing = '<data listtype="CUSTOMER" totalcount="0" count="0" numremaining="0"/>'
        data = session if b"<login>" in asked.body else listing
        body = (
            "<response><control><status>success</status></control><operation><authentication>"
            "<status>success</status><companyid>Main</companyid><locationid>Lyon</locationid>"
            f"</authentication><result><status>success</status>{data}</result></operation>"
            "</response>"
        )
        return Answer(body=body.encode())

    with serve(script) as served:
        options = {"company_id": "Main", "sender_id": "a", "sender_password": "b"}
        client = open_client(
            Access("encours_sage_intacct", "main", served.server.url, options=options),
            patience=StillClock().patience(),
        )
        exchanges(client, "customers")

        assert client.company_id() == "main/lyon"
        assert [asked.target for asked in served.asked] == ["/ia/xml/xmlgw.phtml", "/elsewhere"]
