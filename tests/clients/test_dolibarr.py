"""The Dolibarr client against the stand-in: what it reads, what it asks, and how it fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from scripted_server import Answer, StillClock, serve

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.dolibarr import DolibarrClient, open_client, read_records
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import (
    Allocation,
    Customer,
    Document,
    Entity,
    Payment,
    World,
    WriteOff,
)
from encours.sandbox.dolibarr import number_of
from encours.sandbox.server import Sandbox
from encours.sources.dolibarr import DOLIBARR

ROOT = "/dolibarr/api/index.php"
LISTING = f"{ROOT}/invoices"
PAYMENTS = f"{ROOT}/invoices/*/payments"
STREAMS = [stream.name for stream in DOLIBARR.streams]


def invoice(name: str, amount: str = "120.10", **values: Any) -> Document:
    return Document(
        **{
            "document_id": name,
            "customer_id": "C1",
            "issue_date": date(2026, 1, 10),
            "due_date": date(2026, 7, 10),
            "amount_incl_tax": Decimal(amount),
            **values,
        }
    )


def payment(name: str, amount: str, **values: Any) -> Payment:
    return Payment(
        **{
            "payment_id": name,
            "customer_id": "C1",
            "payment_date": date(2026, 1, 20),
            "amount": Decimal(amount),
            "method": "transfer",
            **values,
        }
    )


def allocation(source: str, target: str, amount: str, **values: Any) -> Allocation:
    return Allocation(
        allocation_id=f"{source}-{target}",
        source_id=source,
        document_id=target,
        amount=Decimal(amount),
        **values,
    )


# F1 is paid in part, F2 in whole and more, F3 not at all; half of the credit note is used on F2.
BOOKS: list[Any] = [
    Entity(entity_id="main", entity_name="Démonstration SAS", siren="999000001"),
    Customer(customer_id="C1", customer_name="Client Secret", siren="123456782"),
    invoice("F1"),
    invoice("F2", "60.00"),
    invoice("F3", "30.00"),
    invoice("A1", "20.00", document_type="credit_note", due_date=None),
    payment("P1", "100.00"),
    payment("P2", "55.00"),
    allocation("P1", "F1", "100.00"),
    allocation("P2", "F2", "50.00"),
    allocation("A1", "F2", "10.00", source_type="credit_note"),
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
    connection = sandbox.connection("dolibarr")
    return Access(
        connection_id="encours_dolibarr",
        entity_id="main",
        base_url=connection["host"],
        secret=connection["password"],
        options={**connection["extra"], **options},
    )


def client_of(sandbox: Sandbox, **options: str) -> DolibarrClient:
    patience = StillClock().patience(read_seconds=0.4)
    return open_client(access_to(sandbox, **options), patience=patience)


def exchanges(client: DolibarrClient, stream: str, since: datetime | None = None) -> list[Exchange]:
    return list(client.read(stream, Window(since)))


def records(client: DolibarrClient, stream: str, since: datetime | None = None) -> list[Record]:
    pages = exchanges(client, stream, since)
    return [record for page in pages for record in read_records(stream, page)]


def by_ref(client: DolibarrClient, since: datetime | None = None) -> dict[str, Any]:
    return {r.payload["ref"]: r.payload for r in records(client, "invoices", since)}


def paid_on(client: DolibarrClient, since: datetime | None = None) -> dict[str, Any]:
    """The rows of each invoice that was asked about, by its name in the books."""
    names = {str(number_of("invoice", row.key)): row.key for row in BOOKS[2:6]}
    found = records(client, "payments", since)
    return {names[r.key]: r.payload.get("payments") for r in found}


def id_of(name: str) -> str:
    return str(number_of("invoice", name))


# ---------------------------------------------------------------------- pages


@pytest.mark.parametrize(("rows", "pages"), [(0, 1), (1, 2), (3, 2), (4, 3), (9, 4)], ids=str)
def test_every_row_of_every_page_is_read_once(server: Sandbox, rows: int, pages: int) -> None:
    server.serve(World([Customer(customer_id=f"C{n}") for n in range(rows)]))
    client = client_of(server, page_size="3")

    read = exchanges(client, "thirdparties")

    found = [r.payload["code_client"] for page in read for r in read_records("thirdparties", page)]
    assert sorted(found) == sorted(f"C{n}" for n in range(rows))
    assert len(read) == pages


def test_short_page_is_not_the_end(server: Sandbox) -> None:
    server.serve(World([Customer(customer_id=f"C{n}") for n in range(7)]))
    # A row that the server cannot load is missing from its page.
    server.faults.add("rewritten", on="*/thirdparties", change=lambda rows: rows[:2], times=1)

    found = records(client_of(server, page_size="3"), "thirdparties")

    assert len(found) == 7


def test_rows_touched_while_a_listing_is_read_push_no_other_out(server: Sandbox) -> None:
    server.serve(World([invoice(f"F{n}") for n in range(9)]))
    server.faults.add("moving_rows", on=LISTING, times=2)

    found = by_ref(client_of(server, page_size="3"))

    assert {f"F{n}" for n in range(9)} <= found.keys()


def test_page_that_is_served_twice_is_asked_for_again(server: Sandbox) -> None:
    server.serve(World([invoice(f"F{n}") for n in range(9)]))
    server.faults.add("repeated_page", on=LISTING, after=1)

    assert len(by_ref(client_of(server, page_size="3"))) == 9


@pytest.mark.parametrize("body", [b"[]", b'{"error":{"code":404,"message":"Not Found: none"}}'])
def test_empty_listing_is_told_in_either_way(body: bytes) -> None:
    status = 200 if body == b"[]" else 404
    with serve(Answer(status=status, body=body)) as served:
        access = Access("encours_dolibarr", "main", served.server.url, secret="key")
        client = open_client(access, patience=served.clock.patience())

        assert records(client, "invoices") == []


def test_404_of_something_else_is_no_empty_listing() -> None:
    with serve(Answer(status=404, body=b'{"error":{"code":404,"message":"Not Found"}}')) as served:
        access = Access("encours_dolibarr", "main", served.server.url, secret="key")
        client = open_client(access, patience=served.clock.patience())

        with pytest.raises(FatalError, match="answered 404, but not as Dolibarr does"):
            records(client, "invoices")


# ---------------------------------------------------------------------- what is read


def test_registration_names_the_streams_that_the_client_reads(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    assert [name for name in STREAMS if not records(client, name)] == []


def test_invoices_have_the_amounts_and_states_that_were_sent(sandbox: Sandbox) -> None:
    found = by_ref(client_of(sandbox))

    assert {ref: (row["type"], row["status"], row["total_ttc"]) for ref, row in found.items()} == {
        "F1": ("0", "1", "120.10000000"),
        "F2": ("0", "2", "60.00000000"),
        "F3": ("0", "1", "30.00000000"),
        "A1": ("2", "2", "-20.00000000"),
    }
    assert found["F1"]["remaintopay"] == "20.1"
    assert found["F3"]["totalpaid"] is None


def test_dates_are_midnight_of_the_server(sandbox: Sandbox) -> None:
    row = by_ref(client_of(sandbox))["F1"]

    paris = ZoneInfo("Europe/Paris")
    assert datetime.fromtimestamp(row["date"], paris) == datetime(2026, 1, 10, tzinfo=paris)
    assert datetime.fromtimestamp(row["date_lim_reglement"], paris).hour == 0


def test_payments_tell_the_part_of_each_invoice_and_the_credits_used(sandbox: Sandbox) -> None:
    rows = paid_on(client_of(sandbox))

    told = {name: [(r["type"], r["ref"], r["amount"]) for r in rows[name]] for name in rows}
    assert told == {
        "F1": [("VIR", "PAY-P1", "100.00000000")],
        "F2": [("(CREDIT_NOTE)", "A1", "10.00000000"), ("VIR", "PAY-P2", "55.00000000")],
    }


def test_money_that_settles_nothing_is_entered_on_a_settled_invoice(sandbox: Sandbox) -> None:
    sandbox.world.add(payment("P9", "7.00", payment_date=date(2026, 1, 21)))

    rows = paid_on(client_of(sandbox))["F2"]

    assert [(r["ref"], r["amount"]) for r in rows if r["type"] == "VIR"] == [
        ("PAY-P2", "55.00000000"),
        ("PAY-P9", "7.00000000"),
    ]


def test_secrets_and_notes_of_an_invoice_stay_in_the_landing_zone(sandbox: Sandbox) -> None:
    text = str(by_ref(client_of(sandbox)))

    assert "securekey" not in text
    assert "Note interne" not in text


def test_version_without_the_parameter_properties_gives_the_same_records(sandbox: Sandbox) -> None:
    asked = exchanges(client_of(sandbox), "invoices")[0]
    whole = Exchange(asked.request, _whole_page(sandbox))

    assert list(read_records("invoices", whole)) == list(read_records("invoices", asked))


def _whole_page(sandbox: Sandbox) -> bytes:
    import requests

    url = f"{sandbox.connection('dolibarr')['host']}/invoices"
    return requests.get(url, headers={"DOLAPIKEY": "sandbox"}, timeout=5).content


def test_requests_are_told_without_credentials(sandbox: Sandbox) -> None:
    page = exchanges(client_of(sandbox), "invoices")[0]

    assert page.request.startswith("/invoices?")
    assert "sandbox" not in page.request


def test_company_among_several_is_named_in_each_request() -> None:
    with serve(Answer(body=b"[]")) as served:
        access = Access("c", "main", served.server.url, secret="key", options={"entity": "3"})
        records(open_client(access, patience=served.clock.patience()), "invoices")

        assert {asked.headers["dolapientity"] for asked in served.asked} == {"3"}


# ---------------------------------------------------------------------- how much is asked


def test_payments_are_asked_of_invoices_that_are_settled_at_least_in_part(
    sandbox: Sandbox,
) -> None:
    exchanges(client_of(sandbox), "payments")

    calls = sandbox.desk("dolibarr").calls
    assert {call.path for call in calls.of(PAYMENTS)} == {
        f"{ROOT}/invoices/{id_of(name)}/payments" for name in ("F1", "F2")
    }
    # One page, and the empty one behind it.
    assert len(calls) == 4


def test_window_asks_for_what_was_written_and_for_what_is_unpaid(sandbox: Sandbox) -> None:
    since = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)

    exchanges(client_of(sandbox), "invoices", since)

    query = parse_qs(sandbox.desk("dolibarr").calls[0].query)
    # Half a day earlier: the time zone of the server is not known.
    assert query["sqlfilters"] == [
        "(t.rowid:>:0) and ((t.tms:>=:'2026-04-30 22:00:00') or (t.fk_statut:=:1))"
    ]
    assert query["limit"] == ["100"]


def test_limit_of_requests_is_kept(sandbox: Sandbox) -> None:
    sandbox.serve(World([Customer(customer_id=f"C{n}") for n in range(30)]))
    clock = StillClock()
    client = open_client(access_to(sandbox, page_size="1"), patience=clock.patience())

    exchanges(client, "thirdparties")

    assert sum(clock.slept) > 1.0


# ---------------------------------------------------------------------- changes


def test_window_leaves_out_what_is_closed_and_was_not_written(sandbox: Sandbox) -> None:
    since = sandbox.world.clock + timedelta(days=1)

    assert set(by_ref(client_of(sandbox), since)) == {"F1", "F3"}


def test_payment_that_leaves_an_invoice_open_is_seen_the_next_day(sandbox: Sandbox) -> None:
    sandbox.world.clock += timedelta(days=2)
    since = sandbox.world.clock
    before = by_ref(client_of(sandbox))["F3"]["date_modification"]
    sandbox.world.add(payment("P3", "10.00"))
    sandbox.world.add(allocation("P3", "F3", "10.00"))

    rows = paid_on(client_of(sandbox), since)["F3"]

    assert [r["ref"] for r in rows] == ["PAY-P3"]
    assert by_ref(client_of(sandbox))["F3"]["date_modification"] == before


def test_payment_that_was_undone_is_missing_from_what_is_read_next(sandbox: Sandbox) -> None:
    sandbox.world.clock += timedelta(days=2)
    since = sandbox.world.clock
    sandbox.world.delete(Allocation, "P2-F2")
    client = client_of(sandbox)

    assert [r["ref"] for r in paid_on(client, since)["F2"]] == ["A1"]
    assert by_ref(client, since)["F2"]["status"] == "1"


def test_last_payment_that_was_undone_shows_in_the_totals(sandbox: Sandbox) -> None:
    sandbox.world.clock += timedelta(days=2)
    since = sandbox.world.clock
    sandbox.world.delete(Allocation, "P1-F1")
    client = client_of(sandbox)

    assert "F1" not in paid_on(client, since)
    assert by_ref(client, since)["F1"]["totalpaid"] is None


def test_deleted_invoice_is_missing_from_the_full_reading(sandbox: Sandbox) -> None:
    sandbox.world.delete(Document, "F3")

    assert set(by_ref(client_of(sandbox))) == {"F1", "F2", "A1"}


def test_invoice_that_is_deleted_while_its_payments_are_read_has_none(sandbox: Sandbox) -> None:
    sandbox.faults.add("moving_rows", on=LISTING, change=lambda world: world.delete(Document, "F1"))

    found = {r.key: r for r in records(client_of(sandbox), "payments")}

    assert found[id_of("F1")].is_deleted
    assert not found[id_of("F2")].is_deleted


def test_records_bear_when_the_server_last_wrote_them(sandbox: Sandbox) -> None:
    sandbox.world.change(Document, "F3", due_date=date(2026, 8, 1))

    found = {r.payload["ref"]: r for r in records(client_of(sandbox), "invoices")}

    assert found["F3"].updated_at == sandbox.world.clock.replace(microsecond=0)


def test_void_and_written_off_invoices_are_abandoned_for_different_reasons(
    sandbox: Sandbox,
) -> None:
    sandbox.world.void("F3")
    sandbox.world.add(
        WriteOff(
            write_off_id="W1",
            document_id="F1",
            write_off_date=date(2026, 1, 20),
            amount=Decimal("20.10"),
        )
    )

    found = by_ref(client_of(sandbox))

    assert (found["F3"]["status"], found["F3"]["close_code"]) == ("3", "replaced")
    assert (found["F1"]["status"], found["F1"]["close_code"]) == ("2", "badcustomer")


# ---------------------------------------------------------------------- company


def test_company_is_known_by_its_number_else_by_its_name(sandbox: Sandbox) -> None:
    assert client_of(sandbox).company_id() == "999000001"

    sandbox.world.change(Entity, "main", siren="")

    assert client_of(sandbox).company_id() == "Démonstration SAS"


def test_settings_that_are_not_set_are_no_records(sandbox: Sandbox) -> None:
    sandbox.world.change(Entity, "main", siren="")

    found = {r.key: r.payload["value"] for r in records(client_of(sandbox), "settings")}

    assert found == {"MAIN_INFO_SOCIETE_NOM": "Démonstration SAS", "MAIN_MONNAIE": "EUR"}


def test_account_that_was_switched_is_another_company(sandbox: Sandbox) -> None:
    before = client_of(sandbox).company_id()
    sandbox.faults.add("switched_account")

    assert client_of(sandbox).company_id() != before


def test_settings_that_may_not_be_read_name_the_way_to_mend_it(sandbox: Sandbox) -> None:
    said = {"error": {"code": 403, "message": "Forbidden: open to Client Secret only"}}
    sandbox.faults.add("server_error", status=403, body=json.dumps(said), times=100)

    with pytest.raises(FatalError, match="API_LOGINS_ALLOWED_FOR_CONST_READ") as failure:
        client_of(sandbox).company_id()

    assert_one_line(failure.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"secret": ""}, "has no password"),
        ({"options": {"page_size": "none"}}, "page_size"),
        ({"base_url": "http://dolibarr.example"}, "use https"),
    ],
)
def test_connection_that_cannot_work_is_refused(values: dict[str, Any], message: str) -> None:
    access = Access("encours_dolibarr", "main", "https://dolibarr.example", secret="key")

    with pytest.raises(FatalError, match=message):
        open_client(replace(access, **values))


# ---------------------------------------------------------------------- faults


PASSING_FAULTS = ["too_many_requests", "server_error", "hang", "reset", "truncated", "html_page"]


@pytest.mark.parametrize("on", [LISTING, PAYMENTS])
@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_fault_that_passes_costs_no_row(sandbox: Sandbox, fault: str, on: str) -> None:
    client = client_of(sandbox)
    sandbox.faults.add(fault, on=on)

    assert len(paid_on(client)) == 2


@pytest.mark.parametrize("fault", ["server_error", "html_page", "truncated"])
def test_fault_that_stays_ends_in_one_line(sandbox: Sandbox, fault: str) -> None:
    client = client_of(sandbox)
    sandbox.faults.add(fault, times=100)

    with pytest.raises(RetryableError) as failure:
        records(client, "invoices")

    assert_one_line(failure.value)


def assert_one_line(error: EncoursError) -> None:
    line = str(error)
    assert line.startswith("encours_dolibarr: ")
    assert "\n" not in line
    assert "Secret" not in line


def test_module_that_is_switched_off_is_told_in_plain_text(sandbox: Sandbox) -> None:
    sandbox.faults.add("server_error", status=501, body="API interface is disabled", times=100)

    with pytest.raises(FatalError, match="answered 501") as failure:
        records(client_of(sandbox), "invoices")

    assert_one_line(failure.value)


def test_key_that_dies_in_mid_run_names_the_way_to_mend_it(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add("dead_token")

    with pytest.raises(FatalError, match=r"answered 401.*encours connect dolibarr") as failure:
        records(client, "invoices")

    assert_one_line(failure.value)


def test_names_of_the_server_are_told_nowhere(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = {"error": {"code": 500, "message": "Internal Server Error: Client Secret"}}
    sandbox.faults.add("server_error", body=json.dumps(said), times=100)

    with pytest.raises(RetryableError) as failure:
        records(client_of(sandbox), "thirdparties")

    assert_one_line(failure.value)
    assert "Secret" not in caplog.text


def test_clock_of_the_server_is_that_of_the_answers(sandbox: Sandbox) -> None:
    sandbox.faults.add("clock_skew", seconds=3600)

    page = exchanges(client_of(sandbox), "invoices")[0]

    assert page.answered_at == sandbox.world.clock.replace(microsecond=0) + timedelta(hours=1)


def test_field_that_is_new_changes_nothing(sandbox: Sandbox) -> None:
    before = by_ref(client_of(sandbox))
    sandbox.faults.add("new_field", on=LISTING)

    assert by_ref(client_of(sandbox)) == before


def test_status_that_is_not_known_is_passed_on_to_the_models(sandbox: Sandbox) -> None:
    sandbox.faults.add("unknown_value", on=LISTING)

    assert by_ref(client_of(sandbox))["F1"]["status"] == "sandbox_unknown"


@pytest.mark.parametrize(
    ("fault", "message"),
    [("missing_field", "has no field socid"), ("other_type", "total_ttc is not a decimal amount")],
)
def test_row_of_another_shape_is_refused(sandbox: Sandbox, fault: str, message: str) -> None:
    options = {"value": "a lot"} if fault == "other_type" else {}
    sandbox.faults.add(fault, on=LISTING, **options)

    with pytest.raises(FatalError, match=rf"dolibarr: invoice \d+: {message}"):
        records(client_of(sandbox), "invoices")


# ---------------------------------------------------------------------- shapes of other versions

ROW: dict[str, Any] = {
    "id": "7",
    "ref": "FA1",
    "socid": "3",
    "type": "0",
    "statut": "1",
    "date": 1768003200,
    "date_lim_reglement": "",
    "total_ht": "100.00000000",
    "total_ttc": "120.00000000",
    "totalpaid": None,
    "totalcreditnotes": 0,
    "totaldeposits": "",
    "remaintopay": "120",
}


def read_row(**values: Any) -> Record:
    body = json.dumps([{**ROW, **values}]).encode()
    (record,) = read_records("invoices", Exchange("/invoices?limit=100", body))
    return record


@pytest.mark.parametrize(
    "values",
    [
        {"id": 7, "socid": 3, "type": 0, "statut": 1},
        {"date": "1768003200", "total_ttc": 120.5, "totalpaid": 20.25},
        {"date": None, "multicurrency_tx": None, "multicurrency_total_ttc": ""},
    ],
)
def test_types_that_versions_use_are_read(values: dict[str, Any]) -> None:
    assert read_row(**values).key == "7"


@pytest.mark.parametrize(
    "values",
    [
        {"id": True},
        {"id": "0"},
        {"socid": None},
        {"type": ""},
        {"date": "2026-01-10"},
        {"total_ttc": "1 200,00"},
        {"total_ttc": None},
        {"totalpaid": "much"},
    ],
)
def test_values_that_figures_cannot_rest_on_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(FatalError, match="dolibarr: invoice"):
        read_row(**values)


@pytest.mark.parametrize(
    ("stream", "request_path", "body"),
    [
        ("invoices", "/invoices?limit=1", b'{"data": []}'),
        ("invoices", "/invoices?limit=1", b"[1]"),
        ("invoices", "/thirdparties", b"[]"),
        ("payments", "/invoices/7/payments", b'{"amount": "1"}'),
        ("payments", "/invoices/7/payments", b'[{"amount": "1", "type": "VIR", "date": "soon"}]'),
        ("thirdparties", "/thirdparties", b'[{"id": "1", "name": null}]'),
        ("settings", "/setup/conf/MAIN_MONNAIE", b"[]"),
        ("settings", "/setup/company", b'"EUR"'),
    ],
)
def test_body_of_another_shape_is_refused(stream: str, request_path: str, body: bytes) -> None:
    with pytest.raises(FatalError, match="dolibarr: "):
        list(read_records(stream, Exchange(request_path, body)))


def test_order_of_the_payments_of_an_invoice_does_not_matter() -> None:
    rows = [
        {"amount": str(n), "type": "VIR", "date": "2026-01-20", "num": "", "ref": f"PAY{n}"}
        for n in range(3)
    ]
    told = [
        list(read_records("payments", Exchange("/invoices/7/payments", json.dumps(order).encode())))
        for order in (rows, rows[::-1])
    ]

    assert told[0] == told[1]
