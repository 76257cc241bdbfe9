"""The client of Sage Accounting against the stand-in: what it reads, and how it fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
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
from encours.clients.sage_accounting import (
    PAGE_RECORDS,
    SageAccountingClient,
    application,
    open_client,
    read_records,
)
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import (
    Allocation,
    Customer,
    Document,
    Payment,
    World,
    WriteOff,
)
from encours.sandbox.server import Sandbox
from encours.sources.sage_accounting import SAGE_ACCOUNTING, STREAMS

NAME = "sage_accounting"
INVOICES = "sales_invoices"


@pytest.fixture(scope="module")
def server() -> Iterator[Sandbox]:
    with Sandbox(World()) as running:
        yield running


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    server.serve(books(invoice()), limits=False)
    return server


def access_to(sandbox: Sandbox, *, uses: int | None = None, **options: str) -> Access:
    """The connection to the stand-in, authorised: its first access token lives five minutes."""
    desk = sandbox.desk(NAME)
    grant = desk.issue(lives=timedelta(minutes=5), uses=uses)
    expiry = sandbox.world.clock + timedelta(minutes=5)
    connection = sandbox.connection(NAME)
    return Access(
        connection_id="encours_sage_accounting",
        entity_id="main",
        base_url=connection["host"],
        login=connection["login"],
        secret=connection["password"],
        options={**connection["extra"], **options},
        tokens=StoreInMemory(Tokens(grant.access_token, grant.refresh_token, expiry)),
    )


def client_of(sandbox: Sandbox, **options: Any) -> SageAccountingClient:
    return open_client(
        access_to(sandbox, **options), patience=StillClock().patience(read_seconds=0.4)
    )


def exchanges(
    client: SageAccountingClient, stream: str, since: datetime | None = None
) -> list[Exchange]:
    return list(client.read(stream, Window(since)))


def records(
    client: SageAccountingClient, stream: str, since: datetime | None = None
) -> list[Record]:
    pages = exchanges(client, stream, since)
    return [record for page in pages for record in read_records(stream, page)]


def renewals(sandbox: Sandbox) -> int:
    return len(sandbox.desk(NAME).calls.of("*/oauth/token"))


def numbers(found: list[Record]) -> list[str]:
    return [record.payload["invoice_number"] for record in found]


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("count", "pages"),
    [
        (0, 1),
        (1, 1),
        (PAGE_RECORDS, 1),
        (PAGE_RECORDS + 1, 2),
        (2 * PAGE_RECORDS + 1, 3),
        (3 * PAGE_RECORDS, 3),
    ],
)
def test_every_page_is_read_once(server: Sandbox, count: int, pages: int) -> None:
    server.serve(books(*(invoice(f"F{number:04}") for number in range(count))), limits=False)
    client = client_of(server)

    found = exchanges(client, INVOICES)

    keys = [record.key for page in found for record in read_records(INVOICES, page)]
    assert (len(found), len(set(keys)), len(keys)) == (pages, count, count)
    assert {page.stated_total for page in found} == {count}


def test_last_page_that_is_answered_beyond_the_end_is_not_asked_for(server: Sandbox) -> None:
    server.serve(books(*(invoice(f"F{number}") for number in range(3))), limits=False)
    beyond = f"{server.url}/{NAME}/v3.1/{INVOICES}?page=9&items_per_page=2&attributes=all"
    answer = requests.get(beyond, headers={"Authorization": "Bearer sandbox"}, timeout=5).json()

    exchanges(client_of(server), INVOICES)

    assert (answer["$page"], answer["$next"], len(answer["$items"])) == (2, None, 1)
    assert len(server.desk(NAME).calls.of(f"*/{INVOICES}")) == 2


def test_two_kinds_of_payments_state_their_totals_together(server: Sandbox) -> None:
    server.serve(
        books(payment("P1", "1"), payment("P2", "2"), payment("R1", "3", payment_type="refund")),
        limits=False,
    )

    found = exchanges(client_of(server), "contact_payments")

    assert [page.stated_total for page in found] == [2, 3]


def test_rows_that_are_booked_meanwhile_push_none_over_the_border(server: Sandbox) -> None:
    server.serve(books(*(invoice(f"F{n:04}") for n in range(PAGE_RECORDS + 5))), limits=False)
    before = {row.document_number for row in server.world.documents}
    server.faults.add("moving_rows", on=f"*/{INVOICES}")

    found = records(client_of(server), INVOICES)

    assert before <= set(numbers(found))


def test_row_that_is_deleted_meanwhile_makes_the_reading_start_again(server: Sandbox) -> None:
    server.serve(books(*(invoice(f"F{n:04}") for n in range(PAGE_RECORDS + 5))), limits=False)

    def delete_one(world: World) -> None:
        world.delete(Document, min(world.documents, key=lambda row: row.created_at).key)

    server.faults.add("moving_rows", on=f"*/{INVOICES}", change=delete_one)

    with pytest.raises(RetryableError, match="sales_invoices: the listing moved"):
        records(client_of(server), INVOICES)


# ---------------------------------------------------------------- what is asked


def test_everything_of_a_record_is_asked_for(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    for stream in STREAMS:
        exchanges(client, stream.name)

    asked = {
        call.path.rpartition("/")[2]: dict(parse_qsl(call.query))
        for call in sandbox.desk(NAME).calls
    }
    common = {"page": "1", "items_per_page": "200", "attributes": "all"}
    ordered = {**common, "sort": "created_at:asc"}
    assert asked[INVOICES] == {**ordered, "show_payments_allocations": "true"}
    assert asked["sales_credit_notes"] == asked["sales_quick_entries"] == asked[INVOICES]
    assert asked["contact_allocations"] == {**ordered, "transaction_type_id": "CUSTOMER_ALLOCATION"}
    assert asked["contact_payments"] == {**ordered, "transaction_type_id": "CUSTOMER_REFUND"}
    assert asked["contacts"] == {
        **common,
        "contact_type_id": "CUSTOMER",
        "nested_attributes": "all",
    }
    assert asked["contact_opening_balances"] == {**common, "contact_type_id": "CUSTOMER"}
    assert asked["financial_settings"] == asked["invoice_settings"] == {}


def test_who_refers_is_read_before_whom_it_refers_to() -> None:
    names = [stream.name for stream in STREAMS]

    assert names[:2] == ["contact_allocations", "contact_payments"]
    assert names.index("contacts") > max(names.index(name) for name in names if "sales_" in name)


def test_country_of_a_contact_is_there(sandbox: Sandbox) -> None:
    (found,) = records(client_of(sandbox), "contacts")

    assert found.payload["main_address"]["country"]["id"] == "FR"
    assert found.payload["credit_days"] == 45


def test_amounts_keep_the_digits_that_were_sent(server: Sandbox) -> None:
    server.serve(books(invoice(amount="1234567890123.10")), limits=False)

    (found,) = records(client_of(server), INVOICES)

    assert found.payload["total_amount"] == Decimal("1234567890123.10")
    assert isinstance(found.payload["total_amount"], Decimal)


def test_settings_are_one_record_named_after_their_stream(sandbox: Sandbox) -> None:
    (found,) = records(client_of(sandbox), "financial_settings")

    assert found.key == "financial_settings"
    assert found.payload["base_currency"]["id"] == "EUR"


# ---------------------------------------------------------------- what changed and what is gone


def test_only_what_changed_since_is_read_from_its_moment_on(server: Sandbox) -> None:
    world = books(invoice("F1"), invoice("F2"))
    server.serve(world, limits=False)
    world.clock = world.clock.replace(microsecond=0) + timedelta(hours=1)
    world.change(Document, "F2", amount_incl_tax=Decimal("99.00"))

    found = records(client_of(server), INVOICES, world.clock)

    assert numbers(found) == ["N-F2"]
    assert found[0].updated_at == world.clock


def test_moment_is_told_with_its_zone(sandbox: Sandbox) -> None:
    since = datetime(2026, 1, 2, 3, 4, 5, 999999, tzinfo=UTC)

    exchanges(client_of(sandbox), INVOICES, since)

    changed, deleted = (
        parse_qs(call.query) for call in sandbox.desk(NAME).calls.of(f"*/{INVOICES}")
    )
    assert changed["updated_or_created_since"] == ["2026-01-02T03:04:05+00:00"]
    assert deleted["deleted_since"] == ["2026-01-02T03:04:04+00:00"]


@pytest.mark.parametrize(
    ("stream", "kind", "key"),
    [
        (INVOICES, Document, "F1"),
        ("sales_credit_notes", Document, "K1"),
        ("sales_quick_entries", Document, "Q1"),
        ("contact_payments", Payment, "P1"),
        ("contact_allocations", Allocation, "A1"),
        ("contacts", Customer, "C1"),
    ],
)
def test_deleted_record_comes_as_deleted_once_it_is_asked_for(
    server: Sandbox, stream: str, kind: type[Any], key: str
) -> None:
    world = books(
        invoice("F1"),
        credit_note("K1", "20"),
        invoice("Q1", due_date=None),
        payment("P1", "10"),
        allocation("A1", "K1", "F1", "20", source_type="credit_note"),
    )
    server.serve(world, limits=False)
    client = client_of(server)
    (before,) = records(client, stream)
    world.clock = world.clock.replace(microsecond=0) + timedelta(minutes=1)
    world.delete(kind, key)

    found = records(client, stream, world.clock)

    assert [(record.key, record.is_deleted) for record in found] == [(before.key, True)]
    assert found[0].updated_at == world.clock
    assert records(client, stream) == []


def test_void_document_stays_under_its_number(server: Sandbox) -> None:
    world = books(invoice("F1"))
    server.serve(world, limits=False)
    world.clock += timedelta(minutes=1)
    world.void("F1")

    found = records(client_of(server), INVOICES, world.clock - timedelta(seconds=1))

    assert {(record.payload["invoice_number"], record.is_deleted) for record in found} == {
        ("N-F1", False)
    }
    assert found[0].payload["status"]["id"] == "VOID"


def test_reversed_allocation_comes_as_deleted(server: Sandbox) -> None:
    world = books(
        invoice("F1"),
        credit_note("K1", "20"),
        allocation("A1", "K1", "F1", "20", source_type="credit_note"),
    )
    server.serve(world, limits=False)
    world.clock += timedelta(days=2)
    world.change(Allocation, "A1", reversed_on=world.clock.date() - timedelta(days=1))

    found = records(client_of(server), "contact_allocations", world.clock - timedelta(hours=1))

    assert [record.is_deleted for record in found] == [True]


# ---------------------------------------------------------------- how settlements look


def test_payment_tells_what_it_settles_and_what_it_leaves_on_account(server: Sandbox) -> None:
    server.serve(
        books(
            invoice("F1", "100.00"),
            payment("P1", "110.00"),
            allocation("A1", "P1", "F1", "98.00"),
            WriteOff(
                write_off_id="W1",
                document_id="F1",
                write_off_date=DAY,
                amount=Decimal("2.00"),
            ),
        ),
        limits=False,
    )
    client = client_of(server)

    (paid,) = records(client, "contact_payments")
    (settled,) = records(client, INVOICES)

    (line,) = paid.payload["allocated_artefacts"]
    assert line["artefact"]["id"] == settled.key
    assert (line["amount"], line["discount"]) == (Decimal("98.00"), Decimal("2.00"))
    assert paid.payload["payment_on_account"]["outstanding_amount"] == Decimal("12.00")
    assert settled.payload["outstanding_amount"] == 0
    assert settled.payload["status"]["id"] == "PAID"


def test_what_is_allocated_later_comes_out_of_the_payment_on_account(server: Sandbox) -> None:
    world = books(invoice("F1", "100.00"), payment("P1", "110.00"))
    server.serve(world, limits=False)
    world.clock += timedelta(days=3)
    world.add(allocation("A1", "P1", "F1", "60.00"))
    client = client_of(server)

    (paid,) = records(client, "contact_payments")
    (allocated,) = records(client, "contact_allocations")

    debit, credit = allocated.payload["allocated_artefacts"]
    assert paid.payload["allocated_artefacts"] == []
    assert credit["artefact"]["id"] == paid.payload["payment_on_account"]["id"]
    assert (debit["amount"], credit["amount"]) == (Decimal("60.00"), Decimal("-60.00"))


# ---------------------------------------------------------------- tokens


def test_token_that_died_in_mid_run_is_renewed_once(server: Sandbox) -> None:
    server.serve(books(*(invoice(f"F{n:04}") for n in range(PAGE_RECORDS + 1))), limits=False)
    client = client_of(server)
    server.faults.add("dead_token", on=f"*/{INVOICES}", after=1)

    found = records(client, INVOICES)

    assert len(found) == PAGE_RECORDS + 1
    assert renewals(server) == 1


def test_token_is_renewed_before_it_dies_by_the_vendors_clock(server: Sandbox) -> None:
    world = books(*(invoice(f"F{n:04}") for n in range(PAGE_RECORDS + 1)))
    server.serve(world, limits=False)
    client = client_of(server)

    def pass_time(world: World) -> None:
        world.clock += timedelta(minutes=4, seconds=40)

    server.faults.add("moving_rows", on=f"*/{INVOICES}", change=pass_time)
    client.company_id()
    first = next(iter(client.read(INVOICES, Window())))
    records(client, "contacts")
    records(client, "contacts")

    assert first.stated_total == PAGE_RECORDS + 1
    assert renewals(server) == 1
    refused = [call for call in server.desk(NAME).calls if call.path.endswith("/contacts")]
    assert len(refused) == 2


def test_used_up_refresh_token_says_how_to_authorise_again(sandbox: Sandbox) -> None:
    access = access_to(sandbox)
    assert access.tokens is not None
    sandbox.desk(NAME).refresh(access.tokens.read().refresh_token)

    with pytest.raises(FatalError) as raised:
        open_client(access, patience=StillClock().patience(read_seconds=0.4)).company_id()

    assert str(raised.value).endswith("authorise again with encours connect sage_accounting")


def test_refusal_that_renewal_does_not_mend_is_asked_twice_and_no_more(sandbox: Sandbox) -> None:
    access = access_to(sandbox, uses=0)

    with pytest.raises(FatalError, match="answered 401") as raised:
        open_client(access, patience=StillClock().patience(read_seconds=0.4)).company_id()

    assert renewals(sandbox) == 1
    assert len(sandbox.desk(NAME).calls.of("*/businesses")) == 2
    assert "encours connect sage_accounting" in str(raised.value)


def test_person_authorises_on_a_page_and_brings_the_code(sandbox: Sandbox) -> None:
    access = replace(access_to(sandbox), base_url=access_to(sandbox).base_url)
    office = application(access)
    page = f"{office.authorize_url}?redirect_uri={office.redirect_uri}&state=s1"
    answer = requests.get(page, allow_redirects=False, timeout=5)
    code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]

    tokens = office.first_tokens("encours_sage_accounting", code)

    assert tokens.expires_at == sandbox.world.clock.replace(microsecond=0) + timedelta(minutes=5)
    with pytest.raises(FatalError, match="invalid_grant"):
        office.first_tokens("encours_sage_accounting", code)


def test_application_is_the_vendors_unless_another_address_is_given() -> None:
    access = Access(
        "encours_sage_accounting", "main", "", "id", "canary", {"redirect_uri": "https://x.test/"}
    )

    known = application(access)

    assert known.token_url == "https://oauth.accounting.sage.com/token"
    assert known.authorize_url.startswith("https://www.sageone.com/oauth2/auth/central")
    assert not known.wants_basic


@pytest.mark.parametrize("missing", ["login", "secret", "options"])
def test_connection_without_an_application_says_what_is_missing(missing: str) -> None:
    access = Access("encours_sage_accounting", "main", "", "id", "s", {"redirect_uri": "https://x"})
    given = replace(access, **{missing: {} if missing == "options" else ""})

    with pytest.raises(FatalError, match=r"needs the client id .*redirect_uri"):
        application(given)


def test_connection_that_was_never_authorised_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match="has no tokens: encours connect sage_accounting"):
        open_client(replace(access_to(sandbox), tokens=None))


# ---------------------------------------------------------------- which business


def test_only_business_is_selected_in_every_request(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    business = client.company_id()

    assert len(business) == 32
    assert client._headers()["X-Business"] == business
    assert len(records(client, INVOICES)) == 1


def test_business_that_the_connection_names_must_be_opened(sandbox: Sandbox) -> None:
    client = client_of(sandbox, business_id="0" * 32)

    with pytest.raises(FatalError, match="is not among those that the authorisation opens"):
        client.company_id()


def test_several_businesses_are_named_so_that_one_can_be_chosen(sandbox: Sandbox) -> None:
    def two(body: Any) -> Any:
        other = {"id": "f" * 32, "displayed_as": "Autre", "$path": "/businesses/f"}
        return {**body, "$items": [*body["$items"], other], "$total": 2}

    sandbox.faults.add("rewritten", on="*/businesses", change=two)

    with pytest.raises(FatalError, match=r"opens 2 businesses, .*business_id.*f{32} \(Autre\)"):
        client_of(sandbox).company_id()
    assert client_of(sandbox, business_id="f" * 32).company_id() == "f" * 32


def test_other_company_behind_the_same_credentials_has_another_id(sandbox: Sandbox) -> None:
    before = client_of(sandbox).company_id()
    sandbox.faults.add("switched_account")

    assert client_of(sandbox).company_id() != before


def test_company_that_is_switched_in_mid_run_ends_the_reading(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("switched_account")

    with pytest.raises(FatalError, match="answered 403"):
        records(client, INVOICES)


# ---------------------------------------------------------------- limits


def test_request_limit_of_the_connection_is_kept(server: Sandbox) -> None:
    time = StillClock()
    server.serve(books(), monotonic=time.monotonic)
    client = open_client(
        access_to(server, requests_per_minute="100"), patience=time.patience(read_seconds=0.4)
    )

    for _ in range(250):
        exchanges(client, "financial_settings")

    assert server.desk(NAME).calls.most_within(60.0) <= 100
    assert 120 <= sum(time.slept) < 240


@pytest.mark.parametrize("limit", ["0", "-1", "many", "1.5"])
def test_limit_that_is_no_number_is_refused(sandbox: Sandbox, limit: str) -> None:
    with pytest.raises(FatalError, match=r"requests_per_minute .* is no number from 1"):
        client_of(sandbox, requests_per_minute=limit)


def test_limit_that_lasts_longer_than_the_patience_is_told(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("too_many_requests", retry_after=7200)

    with pytest.raises(QuotaReached, match="encours_sage_accounting"):
        records(client, INVOICES)


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
    server.serve(books(*(invoice(f"F{n:04}") for n in range(2 * PAGE_RECORDS + 1))), limits=False)
    client = client_of(server)
    client.company_id()
    server.faults.add(fault, on=f"*/{INVOICES}", after=1, **options)

    found = records(client, INVOICES)

    assert len({record.key for record in found}) == 2 * PAGE_RECORDS + 1


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("server_error", {"times": 99}, RetryableError),
        ("truncated", {"times": 99, "share": 0.9}, RetryableError),
        ("html_page", {"times": 99}, RetryableError),
        ("html_page", {"times": 99, "status": 404}, FatalError),
        ("missing_field", {"field": "$items.*.id"}, FatalError),
        ("other_type", {"field": "$items.*.id"}, FatalError),
        ("other_type", {"field": "$items.*.updated_at"}, FatalError),
        ("missing_field", {"field": "$items"}, FatalError),
        ("other_type", {"field": "$items", "value": "none"}, FatalError),
        ("other_type", {"field": "$items.0", "value": "none"}, FatalError),
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
    sandbox.faults.add(fault, on=f"*/{INVOICES}", **options)

    with pytest.raises(error) as raised:
        records(client, INVOICES)

    line = str(raised.value)
    assert "sage_accounting" in line
    assert INVOICES in line
    assert "\n" not in line
    for secret in ("Secret", "sage_accounting-access", "sage_accounting-refresh"):
        assert secret not in line + caplog.text


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("unknown_value", {}),
        ("missing_field", {}),
        ("other_type", {}),
        ("missing_field", {"field": "$total"}),
        ("missing_field", {"field": "$items.*.updated_at"}),
        ("other_type", {"field": "$items.*.deleted_at"}),
    ],
)
def test_what_a_record_says_is_judged_where_it_is_used(
    sandbox: Sandbox, fault: str, options: dict[str, Any]
) -> None:
    sandbox.faults.add(fault, on=f"*/{INVOICES}", **options)

    (found,) = records(client_of(sandbox), INVOICES)

    assert found.payload["invoice_number"] == "N-F1"
    assert not found.is_deleted


def test_forbidden_says_which_rights_are_needed(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("server_error", on="*/contact_allocations", status=403, times=9, body="[]")

    with pytest.raises(FatalError, match="needs full access to Sales, Purchases and Contacts"):
        records(client, "contact_allocations")


# ---------------------------------------------------------------- records of an answer


def exchange_of(value: Any, request: str = "/sales_invoices") -> Exchange:
    return Exchange(request, json.dumps(value).encode())


def test_answer_without_an_envelope_is_read_as_the_specification_shows_it() -> None:
    found = list(read_records(INVOICES, exchange_of([{"id": "a"}, {"id": "b"}])))

    assert [record.key for record in found] == ["a", "b"]


def test_nulls_are_read_as_unknown() -> None:
    nulls = {"id": "a", "updated_at": None, "deleted_at": None, "status": None, "contact": None}

    (found,) = read_records(INVOICES, exchange_of([nulls]))

    assert (found.updated_at, found.is_deleted) == (None, False)


@pytest.mark.parametrize(
    ("record", "is_deleted"),
    [
        ({"status": {"id": "UNPAID"}}, False),
        ({"status": {"id": "UNPAID"}, "deleted_at": "2026-01-01T00:00:00Z"}, True),
        ({"status": {"id": "VOID"}, "deleted_at": "2026-01-01T00:00:00Z"}, False),
        ({"deleted_at": "2026-01-01T00:00:00Z"}, True),
    ],
)
def test_record_says_whether_it_is_deleted(record: dict[str, Any], is_deleted: bool) -> None:
    (found,) = read_records(INVOICES, exchange_of({"$items": [{"id": "a", **record}]}))

    assert found.is_deleted == is_deleted


def test_listing_of_deleted_records_deletes_what_tells_nothing_else() -> None:
    request = "/contacts?page=1&deleted_since=2026-01-01T00%3A00%3A00%2B00%3A00"

    (found,) = read_records("contacts", exchange_of({"$items": [{"id": "a"}]}, request))

    assert found.is_deleted


@pytest.mark.parametrize("value", [None, 1, "text", {}, {"$items": None}, {"$items": [1]}])
def test_answer_of_an_unknown_shape_is_refused(value: Any) -> None:
    with pytest.raises(FatalError, match="sage_accounting sales_invoices: an answer has an"):
        list(read_records(INVOICES, exchange_of(value)))


def test_source_reads_every_stream_that_it_registers(sandbox: Sandbox) -> None:
    client = SAGE_ACCOUNTING.open_client(access_to(sandbox))

    read = {
        stream.name: sum(
            len(list(SAGE_ACCOUNTING.read_records(stream.name, page)))
            for page in client.read(stream.name, Window())
        )
        for stream in SAGE_ACCOUNTING.streams
    }

    assert read == {
        **dict.fromkeys((stream.name for stream in STREAMS), 0),
        INVOICES: 1,
        "contacts": 1,
        "invoice_settings": 1,
        "financial_settings": 1,
        "businesses": 1,
    }
