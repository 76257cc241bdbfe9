"""The client of Xero against the stand-in: what it reads, and how it fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from sandbox_books import DAY, allocation, books, credit_note, invoice, payment
from scripted_server import StillClock
from token_endpoint import StoreInMemory

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.http import QuotaReached
from encours.clients.oauth import Tokens
from encours.clients.xero import XeroClient, application, open_client, read_records
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import (
    Allocation,
    Document,
    Payment,
    Promise,
    World,
    WriteOff,
)
from encours.sandbox.server import Sandbox
from encours.sources.xero import STREAMS, XERO

NAME = "xero"
PAGE = 5


def invoices(count: int) -> World:
    return books(*(invoice(f"F{number:04}") for number in range(count)))


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(World()) as running:
        yield running


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.serve(books(invoice()), limits=False)
    return server


def access_to(sandbox: Sandbox, *, uses: int | None = None, **options: str) -> Access:
    """The connection to the stand-in, authorised: its first access token lives half an hour."""
    grant = sandbox.desk(NAME).issue(lives=timedelta(minutes=30), uses=uses)
    expiry = sandbox.world.clock + timedelta(minutes=30)
    connection = sandbox.connection(NAME)
    return Access(
        connection_id="encours_xero",
        entity_id="main",
        base_url=connection["host"],
        login=connection["login"],
        secret=connection["password"],
        options={**connection["extra"], "page_size": str(PAGE), **options},
        tokens=StoreInMemory(Tokens(grant.access_token, grant.refresh_token, expiry)),
    )


def client_of(sandbox: Sandbox, **options: Any) -> XeroClient:
    return open_client(
        access_to(sandbox, **options), patience=StillClock().patience(read_seconds=0.4)
    )


def exchanges(client: XeroClient, stream: str, since: datetime | None = None) -> list[Exchange]:
    return list(client.read(stream, Window(since)))


def records(client: XeroClient, stream: str, since: datetime | None = None) -> list[Record]:
    pages = exchanges(client, stream, since)
    return [record for page in pages for record in read_records(stream, page)]


def payloads(client: XeroClient, stream: str) -> list[dict[str, Any]]:
    return [dict(record.payload) for record in records(client, stream)]


def renewals(sandbox: Sandbox) -> int:
    return len(sandbox.desk(NAME).calls.of("*/oauth/token"))


def numbers(found: list[Record]) -> list[str]:
    return sorted(record.payload["InvoiceNumber"] for record in found)


def exchange_of(stream: str, *items: Any) -> Exchange:
    listed_as = {"credit_notes": "CreditNotes"}.get(stream, stream.capitalize())
    return Exchange(f"/{listed_as}", json.dumps({listed_as: items}).encode())


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("count", "pages"), [(0, 1), (1, 1), (PAGE, 1), (PAGE + 1, 2), (3 * PAGE, 3)]
)
def test_every_page_is_read_once(server: Sandbox, count: int, pages: int) -> None:
    server.serve(invoices(count), limits=False)

    found = exchanges(client_of(server), "invoices")

    keys = [record.key for page in found for record in read_records("invoices", page)]
    assert (len(found), len(set(keys)), len(keys)) == (pages, count, count)
    assert {page.stated_total for page in found} == {count}


def test_listing_without_an_envelope_ends_with_an_empty_page(server: Sandbox) -> None:
    server.serve(invoices(PAGE + 1), limits=False)
    server.faults.add("missing_field", on="*/Invoices", field="pagination")

    found = exchanges(client_of(server), "invoices")

    assert len(found) == 3
    assert sum(len(list(read_records("invoices", page))) for page in found) == PAGE + 1


def test_rows_that_are_booked_meanwhile_push_none_over_the_border(server: Sandbox) -> None:
    server.serve(invoices(PAGE + 2), limits=False)
    before = {row.document_number for row in server.world.documents}
    server.faults.add("moving_rows", on="*/Invoices")

    found = records(client_of(server), "invoices")

    assert before < set(numbers(found))


def test_row_that_moves_to_the_end_meanwhile_makes_the_reading_start_again(
    server: Sandbox,
) -> None:
    server.serve(invoices(PAGE + 2), limits=False)

    def change_one(world: World) -> None:
        first = min(world.documents, key=lambda row: row.updated_at)
        world.change(Document, first.key, amount_incl_tax=Decimal("1.00"))

    server.faults.add("moving_rows", on="*/Invoices", change=change_one)

    with pytest.raises(RetryableError, match="invoices: the listing moved"):
        records(client_of(server), "invoices")


# ---------------------------------------------------------------- what is asked


def test_everything_is_asked_for_oldest_change_first(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    for stream in STREAMS:
        exchanges(client, stream.name)

    asked = {
        call.path.removeprefix("/xero"): dict(parse_qsl(call.query))
        for call in sandbox.desk(NAME).calls
    }
    common = {"order": "UpdatedDateUTC ASC", "page": "1", "pageSize": str(PAGE)}
    assert asked == {
        "/Connections": {},
        "/api.xro/2.0/Payments": common,
        "/api.xro/2.0/Overpayments": common,
        "/api.xro/2.0/Prepayments": common,
        "/api.xro/2.0/CreditNotes": {**common, "where": 'Type=="ACCRECCREDIT"'},
        "/api.xro/2.0/Invoices": {**common, "where": 'Type=="ACCREC"'},
        "/api.xro/2.0/Contacts": {**common, "includeArchived": "true"},
        "/api.xro/2.0/Organisation": {},
    }


def test_who_refers_is_read_before_whom_it_refers_to() -> None:
    names = [stream.name for stream in STREAMS]

    assert names.index("payments") < names.index("overpayments") < names.index("invoices")
    assert names.index("credit_notes") < names.index("invoices") < names.index("contacts")


@pytest.mark.parametrize("size", ["0", "1001", "many", "-1"])
def test_page_size_that_the_vendor_refuses_is_refused_before(sandbox: Sandbox, size: str) -> None:
    with pytest.raises(FatalError, match=r"page_size .* is no number from 1 to 1000"):
        client_of(sandbox, page_size=size)


def test_amounts_keep_the_digits_that_were_sent(server: Sandbox) -> None:
    server.serve(books(invoice(amount="1234567890123.10")), limits=False)

    (found,) = payloads(client_of(server), "invoices")

    assert found["Total"] == Decimal("1234567890123.10")
    assert str(found["Total"]) == "1234567890123.10"


def test_what_tells_of_persons_and_lines_is_not_loaded(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    (contact,) = payloads(client, "contacts")
    (found,) = payloads(client, "invoices")
    (organisation,) = payloads(client, "organisations")

    assert not contact.keys() & {"EmailAddress", "Phones", "ContactPersons", "Balances"}
    assert "LineItems" not in found
    assert "ContactPersons" not in found["Contact"]
    assert "APIKey" not in organisation
    assert contact["Addresses"][1]["Country"] == "FR"
    assert organisation["BaseCurrency"] == "EUR"


# ---------------------------------------------------------------- what changed and what is gone


def test_only_what_changed_since_is_read_from_its_second_on(server: Sandbox) -> None:
    world = books(invoice("F1"), invoice("F2"))
    server.serve(world, limits=False)
    world.clock = world.clock.replace(microsecond=0) + timedelta(hours=1)
    world.change(Document, "F2", amount_incl_tax=Decimal("99.00"))

    found = records(client_of(server), "invoices", world.clock)

    assert numbers(found) == ["N-F2"]
    assert found[0].updated_at == world.clock


def test_moment_is_told_in_utc(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of(sandbox)
    told: list[Any] = []
    get = client._session.get
    monkeypatch.setattr(
        client._session, "get", lambda *given: (told.append(given[2]), get(*given))[1]
    )
    paris = datetime.fromisoformat("2026-01-02T04:04:05.999+01:00")

    exchanges(client, "payments", paris)
    exchanges(client, "payments")

    assert told[-2:] == [{"If-Modified-Since": "2026-01-02T03:04:04Z"}, {}]


@pytest.mark.parametrize(
    ("change", "stream", "status"),
    [
        (lambda world: world.void("F1"), "invoices", "VOIDED"),
        (lambda world: world.delete(Document, "D1"), "invoices", "DELETED"),
        (lambda world: world.delete(Document, "K1"), "credit_notes", "VOIDED"),
        (lambda world: world.delete(Allocation, "A1"), "payments", "DELETED"),
        (lambda world: world.delete(Payment, "P2"), "prepayments", "VOIDED"),
    ],
)
def test_what_was_undone_comes_with_its_status(
    server: Sandbox, change: Any, stream: str, status: str
) -> None:
    world = books(
        invoice("F1"),
        invoice("D1", status="draft"),
        credit_note("K1", "20"),
        payment("P1", "10"),
        payment("P2", "30"),
        allocation("A1", "P1", "F1", "10"),
    )
    server.serve(world, limits=False)
    client = client_of(server)
    before = {record.key for record in records(client, stream)}
    world.clock = world.clock.replace(microsecond=0) + timedelta(minutes=1)
    change(world)

    found = records(client, stream, world.clock)

    assert status in {record.payload["Status"] for record in found}
    assert {record.key for record in found} <= before
    assert not any(record.is_deleted for record in found)


def test_allocation_that_was_deleted_is_marked_and_its_credit_changes(server: Sandbox) -> None:
    world = books(
        invoice("F1", "100"),
        credit_note("K1", "20"),
        allocation("A1", "K1", "F1", "20", source_type="credit_note"),
    )
    server.serve(world, limits=False)
    client = client_of(server)
    world.clock = world.clock.replace(microsecond=0) + timedelta(minutes=1)
    world.delete(Allocation, "A1")

    (found,) = records(client, "credit_notes", world.clock)

    (line,) = found.payload["Allocations"]
    assert line["IsDeleted"] is True
    assert found.payload["RemainingCredit"] == 20


# ---------------------------------------------------------------- how settlements look


def test_payment_pays_one_document_and_several_are_a_batch(server: Sandbox) -> None:
    server.serve(
        books(
            invoice("F1", "100.00"),
            invoice("F2", "50.00"),
            invoice("F3", "30.00"),
            payment("P1", "30.00"),
            payment("P2", "150.00"),
            allocation("A1", "P1", "F3", "30.00"),
            allocation("A2", "P2", "F1", "100.00"),
            allocation("A3", "P2", "F2", "50.00"),
        ),
        limits=False,
    )
    client = client_of(server)

    paid = payloads(client, "payments")

    single, *batch = sorted(paid, key=lambda each: "BatchPaymentID" in each)
    assert (single["Amount"], single["PaymentType"]) == (Decimal("30.00"), "ACCRECPAYMENT")
    assert [each["BatchPaymentID"] for each in batch] == [batch[0]["BatchPaymentID"]] * 2
    assert {each["BatchPayment"]["TotalAmount"] for each in batch} == {Decimal("150.00")}
    assert {each["AmountDue"] for each in payloads(client, "invoices")} == {0}
    assert payloads(client, "overpayments") == payloads(client, "prepayments") == []


def test_money_that_was_not_used_up_is_on_account(server: Sandbox) -> None:
    later = DAY + timedelta(days=9)
    server.serve(
        books(
            invoice("F1", "100.00"),
            invoice("F2", "50.00", issue_date=later),
            payment("P1", "110.00"),
            payment("P2", "50.00"),
            payment("R1", "4.00", payment_type="refund"),
            allocation("A1", "P1", "F1", "100.00"),
            allocation("A2", "P2", "F2", "50.00"),
            allocation("A3", "R1", "P1", "4.00"),
        ),
        limits=False,
    )
    client = client_of(server)

    (over,) = payloads(client, "overpayments")
    (pre,) = payloads(client, "prepayments")
    (refund,) = payloads(client, "payments")

    assert (over["Type"], over["Total"]) == ("RECEIVE-OVERPAYMENT", Decimal("110.00"))
    assert (over["RemainingCredit"], over["Status"]) == (Decimal("6.00"), "AUTHORISED")
    assert (pre["Allocations"][0]["Amount"], pre["Status"]) == (Decimal("50.00"), "PAID")
    assert refund["PaymentType"] == "AROVERPAYMENTPAYMENT"
    assert refund["Invoice"]["InvoiceID"] == over["OverpaymentID"]


def test_money_of_a_deleted_payment_is_entered_anew_as_an_overpayment(server: Sandbox) -> None:
    world = books(
        invoice("F1", "100.00"), payment("P1", "100.00"), allocation("A1", "P1", "F1", "100.00")
    )
    server.serve(world, limits=False)
    world.clock += timedelta(days=3)
    world.delete(Allocation, "A1")
    client = client_of(server)

    (deleted,) = payloads(client, "payments")
    (over,) = payloads(client, "overpayments")

    assert deleted["Status"] == "DELETED"
    assert (over["Total"], over["RemainingCredit"]) == (Decimal("100.00"), Decimal("100.00"))


def test_write_off_is_a_credit_note_and_a_promise_a_date_of_its_invoice(server: Sandbox) -> None:
    server.serve(
        books(
            invoice("F1", "100.00"),
            WriteOff(
                write_off_id="W1", document_id="F1", write_off_date=DAY, amount=Decimal("2.00")
            ),
            Promise(
                promise_id="M1",
                customer_id="C1",
                document_id="F1",
                amount=Decimal("98.00"),
                promised_date=date(2026, 3, 1),
                recorded_on=date(2026, 2, 1),
            ),
        ),
        limits=False,
    )
    client = client_of(server)

    (note,) = payloads(client, "credit_notes")
    (found,) = payloads(client, "invoices")

    assert note["Allocations"][0]["Invoice"]["InvoiceID"] == found["InvoiceID"]
    assert (found["AmountDue"], found["AmountCredited"]) == (Decimal("98.00"), Decimal("2.00"))
    assert found["ExpectedPaymentDate"] == "/Date(1772323200000+0000)/"


# ---------------------------------------------------------------- tokens


def test_token_that_died_in_mid_run_is_renewed_once(server: Sandbox) -> None:
    server.serve(invoices(PAGE + 1), limits=False)
    client = client_of(server)
    server.faults.add("dead_token", on="*/Invoices", after=1)

    found = records(client, "invoices")

    assert len(found) == PAGE + 1
    assert renewals(server) == 1


def test_token_is_renewed_before_it_dies_by_the_vendors_clock(server: Sandbox) -> None:
    server.serve(invoices(PAGE + 1), limits=False)
    client = client_of(server)

    def pass_time(world: World) -> None:
        world.clock += timedelta(minutes=29, seconds=40)

    server.faults.add("moving_rows", on="*/Invoices", change=pass_time)
    records(client, "invoices")
    records(client, "contacts")

    assert renewals(server) == 1
    assert len(server.desk(NAME).calls.of("*/Invoices")) == 2


def test_used_up_refresh_token_says_how_to_authorise_again(sandbox: Sandbox) -> None:
    access = access_to(sandbox)
    assert access.tokens is not None
    spent = access.tokens.read()
    sandbox.desk(NAME).refresh(spent.refresh_token)

    with pytest.raises(FatalError) as raised:
        open_client(access, patience=StillClock().patience()).company_id()

    assert str(raised.value).endswith("authorise again with encours connect xero")


def test_refusal_that_renewal_does_not_mend_is_asked_twice_and_no_more(sandbox: Sandbox) -> None:
    client = client_of(sandbox, uses=0)

    with pytest.raises(FatalError, match=r"access was refused .*encours connect xero"):
        client.company_id()

    assert renewals(sandbox) == 1
    assert len(sandbox.desk(NAME).calls.of("*/Connections")) == 2


def test_person_authorises_on_a_page_and_brings_the_code(sandbox: Sandbox) -> None:
    office = application(access_to(sandbox))
    page = f"{office.authorize_url}?redirect_uri={office.redirect_uri}&state=s1"
    answer = requests.get(page, allow_redirects=False, timeout=5)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    tokens = office.first_tokens("encours_xero", code)

    assert tokens.expires_at == sandbox.world.clock.replace(microsecond=0) + timedelta(minutes=30)
    with pytest.raises(FatalError, match="invalid_grant"):
        office.first_tokens("encours_xero", code)


def test_application_is_the_vendors_unless_another_address_is_given() -> None:
    access = Access("encours_xero", "main", "", "id", "canary", {"redirect_uri": "https://x.test/"})
    older = replace(access, options={**access.options, "scopes": "offline_access a.read"})

    known = application(access)

    assert known.token_url == "https://identity.xero.com/connect/token"
    assert known.authorize_url == "https://login.xero.com/identity/connect/authorize"
    assert known.wants_basic
    assert "offline_access" in known.scopes
    assert application(older).scopes == ("offline_access", "a.read")


@pytest.mark.parametrize("missing", ["login", "secret", "options"])
def test_connection_without_an_application_says_what_is_missing(missing: str) -> None:
    access = Access("encours_xero", "main", "", "id", "s", {"redirect_uri": "https://x"})
    given = replace(access, **{missing: {} if missing == "options" else ""})

    with pytest.raises(FatalError, match=r"needs the client id .*redirect_uri"):
        application(given)


def test_connection_that_was_never_authorised_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match="has no tokens: encours connect xero"):
        open_client(replace(access_to(sandbox), tokens=None))


# ---------------------------------------------------------------- which organisation


def test_only_organisation_is_selected_in_every_request_but_the_first(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    before = client._headers()

    tenant = client.company_id()

    assert "Xero-Tenant-Id" not in before
    assert client._headers()["Xero-Tenant-Id"] == tenant
    assert len(records(client, "invoices")) == 1


def test_organisation_that_the_connection_names_must_be_authorised(sandbox: Sandbox) -> None:
    client = client_of(sandbox, tenant_id="0" * 36)

    with pytest.raises(FatalError, match="is not among those that are authorised"):
        client.company_id()


def test_several_organisations_are_named_so_that_one_can_be_chosen(sandbox: Sandbox) -> None:
    def more(body: Any) -> Any:
        other = {**body[0], "tenantId": "f" * 36, "tenantName": "Autre"}
        practice = {**body[0], "tenantId": "e" * 36, "tenantType": "PRACTICE"}
        return [*body, other, practice]

    sandbox.faults.add("rewritten", on="*/Connections", change=more)

    with pytest.raises(FatalError, match=r"opens 2 organisations, .*tenant_id.*f{36} \(Autre\)"):
        client_of(sandbox).company_id()
    assert client_of(sandbox, tenant_id="f" * 36).company_id() == "f" * 36


@pytest.mark.parametrize("body", [{}, [1], [], [{"tenantType": "PRACTICE", "tenantId": "a"}]])
def test_authorisation_without_an_organisation_says_so(sandbox: Sandbox, body: Any) -> None:
    sandbox.faults.add("rewritten", on="*/Connections", change=lambda _: body)

    with pytest.raises(FatalError, match=r"opens no organisation|an unknown shape"):
        client_of(sandbox).company_id()


def test_other_organisation_behind_the_same_credentials_has_another_id(sandbox: Sandbox) -> None:
    before = client_of(sandbox).company_id()
    sandbox.faults.add("switched_account")

    assert client_of(sandbox).company_id() != before


def test_organisation_that_is_switched_in_mid_run_ends_the_reading(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("switched_account")

    with pytest.raises(FatalError, match=r"answered 403.*encours connect xero"):
        records(client, "invoices")


# ---------------------------------------------------------------- limits


def test_sixty_requests_a_minute_are_made_and_no_more(server: Sandbox) -> None:
    time = StillClock()
    server.serve(books(), monotonic=time.monotonic)
    client = open_client(access_to(server), patience=time.patience(read_seconds=0.4))

    for _ in range(150):
        exchanges(client, "organisations")

    assert server.desk(NAME).calls.most_within(60.0) <= 60
    assert 120 <= sum(time.slept) < 130


def test_daily_quota_ends_the_run_with_its_hour_instead_of_sleeping(sandbox: Sandbox) -> None:
    time = StillClock()
    client = open_client(access_to(sandbox), patience=time.patience(read_seconds=0.4))
    client.company_id()
    sandbox.faults.add("too_many_requests", retry_after=7200)

    with pytest.raises(QuotaReached, match=r"encours_xero: .*quota is used up until") as raised:
        records(client, "invoices")

    assert raised.value.seconds == 7200
    assert time.slept == []


# ---------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("too_many_requests", {"form": "seconds"}),
        ("too_many_requests", {"form": "date"}),
        ("too_many_requests", {"form": "none"}),
        ("server_error", {"status": 500}),
        ("server_error", {"status": 503}),
        ("hang", {"seconds": 5}),
        ("reset", {}),
        ("truncated", {}),
        ("html_page", {"status": 200}),
        ("html_page", {"status": 502}),
        ("repeated_page", {}),
        ("clock_skew", {"seconds": 86400}),
        ("clock_skew", {"seconds": -86400}),
        ("new_field", {}),
    ],
)
def test_fault_that_passes_leaves_the_reading_whole(
    server: Sandbox, fault: str, options: dict[str, Any]
) -> None:
    server.serve(invoices(2 * PAGE + 1), limits=False)
    client = client_of(server)
    client.company_id()
    server.faults.add(fault, on="*/Invoices", after=1, **options)

    found = records(client, "invoices")

    assert len({record.key for record in found}) == 2 * PAGE + 1


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("server_error", {"times": 99}, RetryableError),
        ("truncated", {"times": 99, "share": 0.9}, RetryableError),
        ("html_page", {"times": 99}, RetryableError),
        ("html_page", {"times": 99, "status": 404}, FatalError),
        ("missing_field", {"field": "Invoices.*.InvoiceID"}, FatalError),
        ("other_type", {"field": "Invoices.*.InvoiceID"}, FatalError),
        ("other_type", {"field": "Invoices.*.UpdatedDateUTC"}, FatalError),
        ("other_type", {"field": "Invoices.*.Total"}, FatalError),
        ("other_type", {"field": "Invoices.*.CurrencyCode"}, FatalError),
        ("other_type", {"field": "Invoices.*.Date", "value": "2026-01-10"}, FatalError),
        ("other_type", {"field": "Invoices.*.DueDate", "value": "/Date(1+1300)/"}, FatalError),
        ("other_type", {"field": "Invoices.*.Contact.ContactID"}, FatalError),
        ("other_type", {"field": "Invoices.*.Contact", "value": "none"}, FatalError),
        ("missing_field", {"field": "Invoices"}, FatalError),
        ("other_type", {"field": "Invoices", "value": "none"}, FatalError),
        ("other_type", {"field": "Invoices.0", "value": "none"}, FatalError),
    ],
)
def test_fault_that_stays_ends_in_one_line_without_what_is_secret(
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    options: dict[str, Any],
    error: type[EncoursError],
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add(fault, on="*/Invoices", **options)

    with pytest.raises(error) as raised:
        records(client, "invoices")

    line = str(raised.value)
    assert "xero" in line
    assert "nvoices" in line
    assert "\n" not in line
    for secret in ("Secret", "xero-access", "xero-refresh"):
        assert secret not in line + caplog.text


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("unknown_value", {}),
        ("missing_field", {}),
        ("missing_field", {"field": "pagination"}),
        ("missing_field", {"field": "Invoices.*.UpdatedDateUTC"}),
        ("missing_field", {"field": "Invoices.*.Contact"}),
    ],
)
def test_what_a_record_says_is_judged_where_it_is_used(
    sandbox: Sandbox, fault: str, options: dict[str, Any]
) -> None:
    sandbox.faults.add(fault, on="*/Invoices", **options)

    found = records(client_of(sandbox), "invoices")

    assert numbers(found) == ["N-F1"]


@pytest.mark.parametrize(
    "line",
    [
        {"Amount": "1.00"},
        {"Amount": True},
        {"IsDeleted": "perhaps"},
        {"Invoice": {"InvoiceID": 1}},
        {"Date": "/Date(x)/"},
    ],
)
def test_allocation_of_another_form_is_refused(line: dict[str, Any]) -> None:
    exchange = exchange_of("prepayments", {"PrepaymentID": "a", "Allocations": [{}, line]})

    with pytest.raises(FatalError, match=r"xero prepayments: a: Allocations.* is not .*changed\?"):
        list(read_records("prepayments", exchange))


@pytest.mark.parametrize("value", ["null", "1", "[]", "{}", '{"Payments": [1]}'])
def test_answer_of_an_unknown_shape_is_refused(value: str) -> None:
    with pytest.raises(FatalError, match="xero payments: an answer has an unknown shape"):
        list(read_records("payments", Exchange("/Payments", value.encode())))


def test_source_reads_every_stream_that_it_registers(server: Sandbox) -> None:
    server.serve(
        books(
            invoice("F1"), payment("P1", "5"), payment("P2", "1"), allocation("A", "P1", "F1", "5")
        ),
        limits=False,
    )
    client = XERO.open_client(access_to(server))

    read = {
        stream.name: sum(
            len(list(XERO.read_records(stream.name, page)))
            for page in client.read(stream.name, Window())
        )
        for stream in XERO.streams
    }

    assert read == {
        "payments": 1,
        "overpayments": 0,
        "prepayments": 1,
        "credit_notes": 0,
        "invoices": 1,
        "contacts": 1,
        "organisations": 1,
    }


def test_moments_are_utc_to_the_millisecond() -> None:
    (found,) = read_records(
        "contacts",
        exchange_of("contacts", {"ContactID": "a", "UpdatedDateUTC": "/Date(1573755038314)/"}),
    )

    assert found.updated_at == datetime(2019, 11, 14, 18, 10, 38, 314000, tzinfo=UTC)
