"""The client of QuickBooks Online against the stand-in: what it reads, and how it fails."""

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

from encours.clients.api import Access, Exchange, Record, Window, WindowTooOld
from encours.clients.oauth import Tokens
from encours.clients.quickbooks import (
    MOST_CHANGES,
    PAGE_RECORDS,
    QuickBooksClient,
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
from encours.sources.quickbooks import QUICKBOOKS, STREAMS

NAME = "quickbooks"
QUERY = "*/query"


def many(count: int) -> World:
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
    """The connection to the stand-in, authorised: its first access token lives an hour."""
    life = timedelta(hours=1)
    grant = sandbox.desk(NAME).issue(lives=life, uses=uses)
    connection = sandbox.connection(NAME)
    return Access(
        connection_id="encours_quickbooks",
        entity_id="main",
        base_url=connection["host"],
        login=connection["login"],
        secret=connection["password"],
        options={**connection["extra"], **options},
        tokens=StoreInMemory(
            Tokens(grant.access_token, grant.refresh_token, sandbox.world.clock + life)
        ),
    )


def client_of(sandbox: Sandbox, read_seconds: float = 20.0, **options: Any) -> QuickBooksClient:
    return open_client(
        access_to(sandbox, **options), patience=StillClock().patience(read_seconds=read_seconds)
    )


def exchanges(
    client: QuickBooksClient, stream: str, since: datetime | None = None
) -> list[Exchange]:
    return list(client.read(stream, Window(since)))


def records(client: QuickBooksClient, stream: str, since: datetime | None = None) -> list[Record]:
    pages = exchanges(client, stream, since)
    return [record for page in pages for record in read_records(stream, page)]


def numbers(found: list[Record]) -> list[str]:
    return [record.payload["DocNumber"] for record in found]


def asked(sandbox: Sandbox, operation: str = "query") -> list[dict[str, str]]:
    calls = sandbox.desk(NAME).calls.of(f"*/{operation}")
    return [dict(parse_qsl(call.query)) for call in calls]


def renewals(sandbox: Sandbox) -> int:
    return len(sandbox.desk(NAME).calls.of("*/oauth/token"))


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("count", "pages"),
    [
        (0, 1),
        (1, 1),
        (PAGE_RECORDS - 1, 1),
        # A full page is followed by another, which begins with its last record.
        (PAGE_RECORDS, 2),
        (PAGE_RECORDS + 1, 2),
        (2 * PAGE_RECORDS + 1, 3),
    ],
)
def test_every_page_is_read(server: Sandbox, count: int, pages: int) -> None:
    server.serve(many(count), limits=False)

    found = exchanges(client_of(server), "invoices")

    keys = [record.key for page in found for record in read_records("invoices", page)]
    assert (len(found), len(set(keys)), len(keys)) == (pages, count, count + pages - 1)
    assert {page.stated_total for page in found} == {count}


def test_pages_that_are_shorter_than_asked_for_are_read_on(server: Sandbox) -> None:
    server.serve(many(5), limits=False)

    def cut(body: Any) -> Any:
        answer = body["QueryResponse"]
        return {"QueryResponse": {**answer, "Invoice": answer["Invoice"][:2], "maxResults": 2}}

    server.faults.add("rewritten", on=QUERY, after=1, change=cut)

    found = records(client_of(server), "invoices")

    assert {f"N-F{number:04}" for number in range(5)} == set(numbers(found))


def test_rows_that_are_booked_meanwhile_push_none_over_the_border(server: Sandbox) -> None:
    server.serve(many(PAGE_RECORDS + 5), limits=False)
    before = {row.document_number for row in server.world.documents}
    server.faults.add("moving_rows", on=QUERY)

    assert before <= set(numbers(records(client_of(server), "invoices")))


def test_row_that_is_deleted_meanwhile_makes_the_reading_start_again(server: Sandbox) -> None:
    server.serve(many(PAGE_RECORDS + 5), limits=False)

    def delete_one(world: World) -> None:
        world.delete(Document, min(world.documents, key=lambda row: row.created_at).key)

    server.faults.add("moving_rows", on=QUERY, after=1, change=delete_one)

    with pytest.raises(RetryableError, match="invoices: the listing moved"):
        records(client_of(server), "invoices")


def test_fewer_rows_than_were_counted_are_not_taken_for_all(server: Sandbox) -> None:
    server.serve(many(3), limits=False)
    server.faults.add("moving_rows", on=QUERY, change=lambda world: world.delete(Document, "F0001"))

    with pytest.raises(RetryableError, match="2 of 3 records came"):
        records(client_of(server), "invoices")


# ---------------------------------------------------------------- what is asked


def test_queries_ask_for_everything_in_an_order_that_holds(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    records(client, "invoices")
    records(client, "customers", sandbox.world.clock - timedelta(days=1))

    counted, listed, counted_since, listed_since = asked(sandbox)
    page = "order by Metadata.CreateTime asc startposition 1 maxresults 1000"
    since = f"Metadata.LastUpdatedTime >= '{sandbox.world.clock - timedelta(days=1):%FT%TZ}'"
    chosen = f"Customer where Active in (true,false) and {since}"
    assert counted == {"query": "select count(*) from Invoice", "minorversion": "75"}
    assert listed["query"] == f"select * from Invoice {page}"
    assert counted_since["query"] == f"select count(*) from {chosen}"
    assert listed_since["query"] == f"select * from {chosen} {page}"


def test_who_refers_is_read_before_whom_it_refers_to() -> None:
    names = [stream.name for stream in STREAMS]

    assert names[0] == "payments"
    assert names.index("customers") > max(map(names.index, ["invoices", "purchases", "deposits"]))


def test_inactive_customers_are_read(server: Sandbox) -> None:
    server.serve(books(), limits=False)

    def retire(body: Any) -> Any:
        body["QueryResponse"]["Customer"][0]["Active"] = False
        return body

    server.faults.add("rewritten", on=QUERY, after=1, change=retire)

    (found,) = records(client_of(server), "customers")

    assert found.payload["Active"] is False
    assert not found.is_deleted


def test_amounts_keep_the_digits_that_were_sent(server: Sandbox) -> None:
    server.serve(books(invoice(amount="1234567890123.10")), limits=False)

    (found,) = records(client_of(server), "invoices")

    assert str(found.payload["TotalAmt"]) == "1234567890123.10"


def test_moments_with_an_offset_are_read_as_moments(sandbox: Sandbox) -> None:
    (found,) = records(client_of(sandbox), "invoices")

    assert found.payload["MetaData"]["LastUpdatedTime"].endswith("-07:00")
    assert found.updated_at == sandbox.world.documents[0].updated_at.replace(microsecond=0)


@pytest.mark.parametrize("stream", ["company_infos", "preferences"])
def test_single_object_is_named_after_its_stream(sandbox: Sandbox, stream: str) -> None:
    (found,) = records(client_of(sandbox), stream)

    assert found.key == stream


def test_only_purchases_that_pay_a_customer_become_records(server: Sandbox) -> None:
    server.serve(books(payment("R1", "5.00", payment_type="refund")), limits=False)

    (page,) = exchanges(client_of(server), "purchases")
    found = list(read_records("purchases", page))

    assert [record.payload["TotalAmt"] for record in found if not record.is_deleted] == [
        Decimal("5.00")
    ]
    assert [dict(record.payload) for record in found if record.is_deleted] == [{}]
    # What is not kept must not be missed where the stated total is compared.
    assert page.stated_total is None


# ---------------------------------------------------------------- what changed and what is gone


def test_only_what_changed_since_is_read_from_its_moment_on(server: Sandbox) -> None:
    world = books(invoice("F1"), invoice("F2"))
    server.serve(world, limits=False)
    world.clock = world.clock.replace(microsecond=0) + timedelta(hours=1)
    world.change(Document, "F2", amount_incl_tax=Decimal("99.00"))

    found = records(client_of(server), "invoices", world.clock)

    # By the query; change data capture tells it too, and is asked for deletions only.
    assert numbers(found) == ["N-F2"]
    assert found[0].updated_at == world.clock


@pytest.mark.parametrize(
    ("stream", "kind", "key"),
    [
        ("invoices", Document, "F1"),
        ("credit_memos", Document, "K1"),
        ("payments", Payment, "P1"),
        ("payments", Allocation, "A1"),
        ("purchases", Payment, "R1"),
        ("journal_entries", WriteOff, "W1"),
        ("customers", Customer, "C1"),
    ],
)
def test_what_was_deleted_comes_as_deleted(
    server: Sandbox, stream: str, kind: type[Any], key: str
) -> None:
    world = books(
        invoice("F1"),
        credit_note("K1", "20"),
        payment("P1", "10"),
        payment("R1", "5", payment_type="refund"),
        allocation("A1", "K1", "F1", "15", source_type="credit_note"),
        WriteOff(write_off_id="W1", document_id="F1", write_off_date=DAY, amount=Decimal(1)),
    )
    server.serve(world, limits=False)
    client = client_of(server)
    before = {record.key for record in records(client, stream)}
    world.clock = world.clock.replace(microsecond=0) + timedelta(minutes=1)
    world.delete(kind, key)

    found = records(client, stream, world.clock)

    gone = {record.key for record in found if record.is_deleted}
    assert len(gone) == 1
    assert gone <= before
    assert {record.updated_at for record in found if record.is_deleted} == {world.clock}
    assert gone.isdisjoint(
        record.key for record in records(client, stream) if not record.is_deleted
    )


def test_void_document_stays_with_amounts_of_zero_and_a_note(server: Sandbox) -> None:
    world = books(invoice("F1"))
    server.serve(world, limits=False)
    world.clock += timedelta(minutes=1)
    world.void("F1")

    found = records(client_of(server), "invoices", world.clock - timedelta(seconds=1))

    assert not any(record.is_deleted for record in found)
    payload = found[0].payload
    assert (payload["TotalAmt"], payload["Balance"], payload["Line"]) == (0, 0, [])
    assert payload["PrivateNote"].startswith("Voided")


def test_payment_from_which_an_allocation_was_taken_is_read_again(server: Sandbox) -> None:
    world = books(invoice("F1"), payment("P1", "50"), allocation("A1", "P1", "F1", "50"))
    server.serve(world, limits=False)
    world.clock = world.clock.replace(microsecond=0) + timedelta(days=1)
    world.delete(Allocation, "A1")

    found = records(client_of(server), "payments", world.clock)

    assert {(record.payload["UnappliedAmt"], record.is_deleted) for record in found} == {
        (Decimal("50"), False)
    }


def test_gap_longer_than_the_source_remembers_asks_for_everything(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    since = sandbox.world.clock - timedelta(days=30)

    with pytest.raises(WindowTooOld, match="for 30 days, no longer since"):
        records(client, "invoices", since)

    assert asked(sandbox, "cdc") == []
    assert len(records(client, "invoices", since + timedelta(hours=2))) == 1


def test_age_of_a_window_is_told_by_the_vendors_clock(sandbox: Sandbox) -> None:
    sandbox.faults.add("clock_skew", seconds=40 * 86400)

    with pytest.raises(WindowTooOld):
        records(client_of(sandbox), "invoices", sandbox.world.clock)


def test_full_change_feed_asks_for_everything(server: Sandbox) -> None:
    world = many(MOST_CHANGES)
    server.serve(world, limits=False)
    world.clock = max(row.updated_at for row in world.documents) + timedelta(days=1)
    since = world.clock - timedelta(days=20)

    with pytest.raises(WindowTooOld, match="no more than 1000 changes, and Invoice"):
        records(client_of(server), "invoices", since)


# ---------------------------------------------------------------- how settlements look


def lines_of(record: Record) -> list[tuple[str, Decimal]]:
    return [
        (line["LinkedTxn"][0]["TxnType"], line["Amount"]) for line in record.payload.get("Line", [])
    ]


def test_payment_tells_what_it_settles_and_what_it_leaves_unapplied(server: Sandbox) -> None:
    server.serve(
        books(invoice("F1", "100"), payment("P1", "110"), allocation("A1", "P1", "F1", "98")),
        limits=False,
    )
    client = client_of(server)

    (paid,) = records(client, "payments")
    (settled,) = records(client, "invoices")

    (line,) = paid.payload["Line"]
    assert line["LinkedTxn"] == [{"TxnId": settled.key, "TxnType": "Invoice"}]
    assert (line["Amount"], paid.payload["UnappliedAmt"]) == (98, 12)
    assert settled.payload["Balance"] == 2


def test_credit_memo_is_applied_by_a_payment_of_nothing(server: Sandbox) -> None:
    server.serve(
        books(
            invoice("F1", "100"),
            credit_note("K1", "30"),
            allocation("A1", "K1", "F1", "30", source_type="credit_note"),
        ),
        limits=False,
    )
    client = client_of(server)

    (applied,) = records(client, "payments")
    (memo,) = records(client, "credit_memos")

    assert applied.payload["TotalAmt"] == 0
    assert lines_of(applied) == [("Invoice", Decimal(30)), ("CreditMemo", Decimal(30))]
    assert memo.payload["RemainingCredit"] == 0


def test_refund_is_a_check_that_a_payment_links_with_what_it_pays_back(server: Sandbox) -> None:
    server.serve(
        books(
            credit_note("K1", "30"),
            payment("P1", "50"),
            payment("R1", "30", payment_type="refund"),
            payment("R2", "50", payment_type="refund"),
            allocation("A1", "R1", "K1", "30"),
            allocation("A2", "R2", "P1", "50"),
        ),
        limits=False,
    )

    received, applied = records(client_of(server), "payments")

    assert lines_of(received) == [("Check", Decimal(50))]
    assert lines_of(applied) == [("CreditMemo", Decimal(30)), ("Check", Decimal(30))]


def test_write_off_is_a_journal_entry_that_a_payment_links_with_the_invoice(
    server: Sandbox,
) -> None:
    lost = WriteOff(write_off_id="W1", document_id="F1", write_off_date=DAY, amount=Decimal(4))
    server.serve(books(invoice("F1", "100"), lost), limits=False)
    client = client_of(server)

    (applied,) = records(client, "payments")
    (entry,) = records(client, "journal_entries")

    sides = [line["JournalEntryLineDetail"]["PostingType"] for line in entry.payload["Line"]]
    assert sides == ["Debit", "Credit"]
    assert lines_of(applied) == [("Invoice", Decimal(4)), ("JournalEntry", Decimal(4))]


# ---------------------------------------------------------------- tokens


def test_token_that_died_in_mid_run_is_renewed_once(server: Sandbox) -> None:
    server.serve(many(PAGE_RECORDS + 1), limits=False)
    client = client_of(server)
    server.faults.add("dead_token", on=QUERY, after=2)

    found = records(client, "invoices")

    assert len({record.key for record in found}) == PAGE_RECORDS + 1
    assert renewals(server) == 1


def test_token_is_renewed_before_it_dies_by_the_vendors_clock(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    sandbox.world.clock += timedelta(minutes=59, seconds=40)
    client.company_id()

    records(client, "invoices")

    assert renewals(sandbox) == 1
    assert len(asked(sandbox)) == 3


def test_used_up_refresh_token_says_how_to_authorise_again(sandbox: Sandbox) -> None:
    access = access_to(sandbox, uses=0)
    assert access.tokens is not None
    sandbox.desk(NAME).refresh(access.tokens.read().refresh_token)

    with pytest.raises(FatalError) as raised:
        open_client(access).company_id()

    assert str(raised.value).endswith("authorise again with encours connect quickbooks")


def test_refusal_that_renewal_does_not_mend_is_asked_twice_and_no_more(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match=r"answered 401: .*code 3200") as raised:
        client_of(sandbox, uses=0).company_id()

    assert (renewals(sandbox), len(asked(sandbox))) == (1, 2)
    assert "encours connect quickbooks" in str(raised.value)


def test_person_authorises_on_a_page_and_brings_the_code(sandbox: Sandbox) -> None:
    access = access_to(sandbox)
    office = application(access)
    page = f"{office.authorize_url}?redirect_uri={office.redirect_uri}&state=s1"
    answer = requests.get(page, allow_redirects=False, timeout=5)
    told = parse_qs(urlsplit(answer.headers["Location"]).query)

    tokens = office.first_tokens("encours_quickbooks", told["code"][0])

    assert told["realmId"] == [access.options["realm_id"]]
    assert tokens.expires_at == sandbox.world.clock.replace(microsecond=0) + timedelta(hours=1)
    with pytest.raises(FatalError, match="invalid_grant"):
        office.first_tokens("encours_quickbooks", told["code"][0])


@pytest.mark.parametrize("host", ["", "https://sandbox-quickbooks.api.intuit.com"])
def test_application_is_the_vendors_for_companies_of_its_sandbox_too(host: str) -> None:
    options = {"redirect_uri": "https://x.test/"}

    known = application(Access("encours_quickbooks", "main", host, "id", "canary", options))

    assert known.token_url == "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"
    assert known.authorize_url == "https://appcenter.intuit.com/connect/oauth2"
    assert known.wants_basic
    assert known.scopes == ("com.intuit.quickbooks.accounting",)


@pytest.mark.parametrize("missing", ["login", "secret", "options"])
def test_connection_without_an_application_says_what_is_missing(missing: str) -> None:
    access = Access("encours_quickbooks", "main", "", "id", "s", {"redirect_uri": "https://x"})
    given = replace(access, **{missing: {} if missing == "options" else ""})

    with pytest.raises(FatalError, match=r"needs the client id .*redirect_uri"):
        application(given)


def test_connection_that_was_never_authorised_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match="has no tokens: encours connect quickbooks"):
        open_client(replace(access_to(sandbox), tokens=None))


# ---------------------------------------------------------------- which company


def test_realm_of_the_connection_is_read(sandbox: Sandbox) -> None:
    access = access_to(sandbox)

    assert open_client(access).company_id() == access.options["realm_id"]
    (call,) = sandbox.desk(NAME).calls.of(QUERY)
    assert f"/company/{access.options['realm_id']}/" in call.path


@pytest.mark.parametrize("realm", ["", "../1", "12 3", "abc"])
def test_realm_that_is_no_number_is_refused(sandbox: Sandbox, realm: str) -> None:
    with pytest.raises(FatalError, match="needs the realm id of the company"):
        client_of(sandbox, realm_id=realm)


def test_realm_that_the_token_does_not_open_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match=r"answered 403: .*encours connect quickbooks"):
        client_of(sandbox, realm_id="123").company_id()


def test_company_that_is_switched_in_mid_run_ends_the_reading(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("switched_account")

    with pytest.raises(FatalError, match="answered 403"):
        records(client, "invoices")


# ---------------------------------------------------------------- limits


def test_request_limits_are_kept(server: Sandbox) -> None:
    time = StillClock()
    server.serve(books(), monotonic=time.monotonic)
    client = open_client(access_to(server), patience=time.patience())

    for _ in range(120):
        client.company_id()

    calls = server.desk(NAME).calls
    assert (calls.most_within(1.0), len(calls)) == (10, 120)
    assert 11 <= sum(time.slept) < 12


def test_refusal_without_a_time_is_waited_for_a_minute(sandbox: Sandbox) -> None:
    time = StillClock()
    client = open_client(access_to(sandbox), patience=time.patience())
    sandbox.faults.add("too_many_requests", on=QUERY, times=1, form="none")

    records(client, "invoices")

    assert round(sum(time.slept)) == 60


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
    # A page comes twice in the place of another one; everything else may strike the only one.
    count = PAGE_RECORDS + 1 if fault == "repeated_page" else 3
    server.serve(many(count), limits=False)
    server.faults.add(fault, on=QUERY, after=2 if fault == "repeated_page" else 1, **options)

    # Only who hangs is not waited for.
    client = client_of(server, read_seconds=0.4 if fault == "hang" else 20.0)

    found = records(client, "invoices")

    assert len({record.key for record in found}) == count


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("server_error", {"times": 99}, RetryableError),
        ("truncated", {"times": 99, "share": 0.9}, RetryableError),
        ("html_page", {"times": 99}, RetryableError),
        ("html_page", {"times": 99, "status": 404}, FatalError),
        ("missing_field", {"field": "QueryResponse.*.*.Id"}, FatalError),
        ("other_type", {"field": "QueryResponse.*.*.Id", "value": 7}, FatalError),
        ("other_type", {"field": "QueryResponse.*.*.MetaData.LastUpdatedTime"}, FatalError),
        ("missing_field", {"field": "QueryResponse"}, FatalError),
        ("missing_field", {"field": "QueryResponse.totalCount"}, FatalError),
        ("missing_field", {"field": "QueryResponse.Invoice"}, FatalError),
        ("other_type", {"field": "QueryResponse.Invoice", "value": "none"}, FatalError),
        ("other_type", {"field": "QueryResponse.Invoice.0", "value": "none"}, FatalError),
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
    sandbox.faults.add(fault, on=QUERY, **options)

    with pytest.raises(error) as raised:
        records(client, "invoices")

    line = str(raised.value)
    assert "quickbooks" in line
    assert "\n" not in line
    for secret in ("Secret", "quickbooks-access", "quickbooks-refresh"):
        assert secret not in line + caplog.text


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("unknown_value", {"field": "QueryResponse.*.*.status"}),
        ("missing_field", {}),
        ("other_type", {}),
        ("missing_field", {"field": "QueryResponse.*.*.MetaData"}),
    ],
)
def test_what_a_record_says_is_judged_where_it_is_used(
    sandbox: Sandbox, fault: str, options: dict[str, Any]
) -> None:
    sandbox.faults.add(fault, on=QUERY, **options)

    (found,) = records(client_of(sandbox), "invoices")

    assert found.payload["DocNumber"] == "N-F1"
    assert not found.is_deleted


def test_fault_with_status_200_is_no_empty_answer(sandbox: Sandbox) -> None:
    fault = {"Fault": {"Error": [{"Message": "Invalid query", "code": "4000"}], "type": "x"}}
    sandbox.faults.add("rewritten", on=QUERY, change=lambda _: fault)

    with pytest.raises(FatalError, match="answered 200: Invalid query, code 4000"):
        records(client_of(sandbox), "invoices")


# ---------------------------------------------------------------- records of an answer


def exchange_of(value: Any, operation: str = "query?query=") -> Exchange:
    return Exchange(f"/v3/company/1/{operation}", json.dumps(value).encode())


def listed(*items: Any) -> Any:
    return {"QueryResponse": {"Invoice": list(items), "maxResults": len(items)}}


def captured(*parts: Any) -> Any:
    return {"CDCResponse": [{"QueryResponse": list(parts)}], "time": "2026-01-01T00:00:00-07:00"}


def test_nothing_found_is_an_empty_answer() -> None:
    for value in ({"QueryResponse": {}, "time": ""}, captured({}), captured()):
        assert list(read_records("invoices", exchange_of(value))) == []


def test_change_feed_is_read_for_what_was_deleted_of_its_stream() -> None:
    value = captured(
        {"Payment": [{"Id": "7"}], "maxResults": 1},
        {"Invoice": [{"Id": "8"}, {"Id": "9", "status": "Deleted"}], "maxResults": 2},
    )
    value["CDCResponse"][0]["QueryResponse"][0].pop("maxResults")

    found = list(read_records("invoices", exchange_of(value, "cdc?entities=")))

    assert [(record.key, record.is_deleted) for record in found] == [("9", True)]


@pytest.mark.parametrize(
    "value",
    [
        None,
        1,
        "text",
        [],
        {},
        {"QueryResponse": None},
        listed(1),
        {"QueryResponse": {"Invoice": None, "maxResults": 1}},
        {"CDCResponse": None},
        captured(1),
        captured({"Fault": {"Error": []}}),
        listed({"Id": ""}),
        listed({"Id": 7}),
        listed({"Id": "7", "MetaData": {"LastUpdatedTime": "2026-01-01"}}),
        listed({"Id": "7", "MetaData": {"LastUpdatedTime": 7}}),
    ],
)
def test_answer_of_an_unknown_shape_is_refused(value: Any) -> None:
    with pytest.raises(FatalError, match="quickbooks invoices: "):
        list(read_records("invoices", exchange_of(value)))


def test_nulls_are_read_as_unknown() -> None:
    (found,) = read_records("invoices", exchange_of(listed({"Id": "7", "MetaData": None})))

    assert (found.updated_at, found.is_deleted) == (None, False)


@pytest.mark.parametrize(
    ("payee", "is_kept"),
    [
        ({"value": "1", "type": "Customer"}, True),
        ({"value": "1", "type": "CUSTOMER"}, True),
        ({"value": "1", "type": "Vendor"}, False),
        ({"value": "1"}, False),
        (None, False),
    ],
)
def test_purchase_is_kept_where_its_payee_is_a_customer(payee: Any, is_kept: bool) -> None:
    value = {"QueryResponse": {"Purchase": [{"Id": "7", "EntityRef": payee}]}}

    (found,) = read_records("purchases", exchange_of(value))

    assert found.is_deleted != is_kept


def test_source_reads_every_stream_that_it_registers(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    read = {
        stream.name: sum(
            not record.is_deleted
            for page in client.read(stream.name, Window())
            for record in QUICKBOOKS.read_records(stream.name, page)
        )
        for stream in QUICKBOOKS.streams
    }

    assert read == {
        **dict.fromkeys((stream.name for stream in STREAMS), 0),
        "invoices": 1,
        "customers": 1,
        "terms": 2,
        "accounts": 3,
        "company_infos": 1,
        "preferences": 1,
    }
    assert sandbox.desk(NAME).errors == []
    assert QUICKBOOKS.open_client is open_client


def test_window_is_told_in_the_vendors_way(sandbox: Sandbox) -> None:
    since = sandbox.world.clock.replace(microsecond=999999) - timedelta(days=2)

    records(client_of(sandbox), "invoices", since)

    (changed,) = asked(sandbox, "cdc")
    assert changed == {
        "entities": "Invoice",
        "changedSince": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "minorversion": "75",
    }
