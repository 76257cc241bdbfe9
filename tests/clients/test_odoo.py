"""The Odoo client against the stand-in, by both protocols: what it reads and how it fails."""

from __future__ import annotations

import json
import logging
import xmlrpc.client
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from scripted_server import StillClock

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.odoo import OdooClient, open_client, read_records
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import (
    Allocation,
    Customer,
    Document,
    Entity,
    Payment,
    World,
)
from encours.sandbox.odoo_records import number_of
from encours.sandbox.server import Sandbox
from encours.sources.odoo import ODOO

VERSIONS = ("13.0", "15.0", "17.0", "19.0")
PROTOCOLS = {"xml_rpc": "17.0", "json_2": "19.0"}
both_protocols = pytest.mark.parametrize("version", PROTOCOLS.values(), ids=PROTOCOLS)

BOOKS: list[Any] = [
    Entity(entity_id="main", entity_name="Société de démonstration"),
    Customer(customer_id="C1", customer_name="Client Secret", siren="123456782"),
    Document(
        document_id="F1",
        customer_id="C1",
        issue_date=date(2026, 1, 10),
        due_date=date(2026, 2, 10),
        amount_incl_tax=Decimal("120.10"),
    ),
    Document(
        document_id="F2",
        customer_id="C1",
        issue_date=date(2026, 1, 12),
        due_date=date(2026, 2, 12),
        amount_incl_tax=Decimal("60.00"),
    ),
    Payment(
        payment_id="P1", customer_id="C1", payment_date=date(2026, 1, 20), amount=Decimal("100.00")
    ),
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


def access_to(sandbox: Sandbox, plays: str = "19.0", **options: str) -> Access:
    """The connection to a stand-in that plays this version."""
    sandbox.desk("odoo").options["version"] = plays
    connection = sandbox.connection("odoo")
    return Access(
        connection_id="encours_odoo",
        entity_id="main",
        base_url=connection["host"],
        login=connection["login"],
        secret=connection["password"],
        options={**connection["extra"], **options},
    )


def client_of(sandbox: Sandbox, plays: str = "19.0", **options: str) -> OdooClient:
    return open_client(
        access_to(sandbox, plays, **options), patience=StillClock().patience(read_seconds=0.4)
    )


def exchanges(client: OdooClient, stream: str, since: datetime | None = None) -> list[Exchange]:
    return list(client.read(stream, Window(since)))


def records(client: OdooClient, stream: str, since: datetime | None = None) -> list[Record]:
    pages = exchanges(client, stream, since)
    return [record for page in pages for record in read_records(stream, page)]


def keys(client: OdooClient, stream: str, since: datetime | None = None) -> set[str]:
    return {record.key for record in records(client, stream, since)}


def customers(number: int) -> World:
    return World([Customer(customer_id=f"C{n}") for n in range(number)])


# ---------------------------------------------------------------------- pages


@both_protocols
@pytest.mark.parametrize(
    ("rows", "pages"), [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2), (9, 4)], ids=str
)
def test_every_row_of_every_page_is_read_once(
    server: Sandbox, version: str, rows: int, pages: int
) -> None:
    server.serve(customers(rows))
    client = client_of(server, version, page_size="3")

    read = exchanges(client, "partners")

    found = [record.payload["ref"] for page in read for record in read_records("partners", page)]
    assert sorted(found) == sorted(f"C{n}" for n in range(rows))
    assert len(read) == pages


@both_protocols
def test_ids_are_listed_over_several_pages(server: Sandbox, version: str) -> None:
    documents = [replace(BOOKS[2], document_id=f"F{n}") for n in range(7)]
    server.serve(World(documents))
    client = client_of(server, version, page_size="3")

    listed = records(client, "move_line_ids")

    assert {r.key for r in listed} == keys(client, "move_lines")
    assert [r.payload for r in listed] == [{"id": int(r.key)} for r in listed]
    assert len(listed) == 7


def test_rows_touched_while_a_listing_is_read_push_no_other_out(sandbox: Sandbox) -> None:
    sandbox.serve(customers(9))
    sandbox.faults.add(
        "moving_rows",
        on="/odoo/json/2/res.partner/search_read",
        change=lambda world: world.change(Customer, "C0", customer_name="moved"),
        times=3,
    )

    found = records(client_of(sandbox, page_size="3"), "partners")

    assert sorted(record.payload["ref"] for record in found) == [f"C{n}" for n in range(9)]


def test_page_that_is_served_twice_is_noticed(sandbox: Sandbox) -> None:
    sandbox.serve(customers(9))
    sandbox.faults.add("repeated_page", on="/odoo/json/2/res.partner/search_read", after=1)

    with pytest.raises(RetryableError, match=r"rows of res\.partner again"):
        records(client_of(sandbox, page_size="3"), "partners")


# ---------------------------------------------------------------------- what is read


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_gives_the_same_books(sandbox: Sandbox, version: str) -> None:
    client = client_of(sandbox, version)

    lines = {r.payload["move_name"]: r.payload for r in records(client, "move_lines")}
    (reconcile,) = records(client, "partial_reconciles")
    moves = {r.payload["name"]: r.payload for r in records(client, "moves")}

    assert {name: line["balance"] for name, line in lines.items()} == {
        "F1": Decimal("120.1"),
        "F2": Decimal("60.0"),
        "BNK1/P1": Decimal("-100.0"),
    }
    assert lines["F1"]["amount_residual"] == Decimal("20.1")
    assert reconcile.payload["amount"] == Decimal("100.0")
    assert reconcile.payload["debit_move_id"][0] == lines["F1"]["id"]
    assert set(moves) == {"F1", "F2"}


@both_protocols
def test_amounts_have_the_digits_that_were_sent(sandbox: Sandbox, version: str) -> None:
    sandbox.world.change(Document, "F1", amount_incl_tax=Decimal("1234567890.17"))

    amounts = {r.payload["amount_total"] for r in records(client_of(sandbox, version), "moves")}

    assert amounts == {Decimal("1234567890.17"), Decimal("60.0")}


def test_records_bear_when_odoo_last_wrote_them(sandbox: Sandbox) -> None:
    written = sandbox.world.touched_at(sandbox.world.get(Document, "F2"))

    moves = {r.payload["name"]: r for r in records(client_of(sandbox), "moves")}

    assert moves["F2"].updated_at == written.replace(microsecond=0)


def test_archived_customers_are_read(server: Sandbox) -> None:
    server.serve(World([Customer(customer_id="C1", attributes={"active": "false"})]))

    (partner,) = records(client_of(server), "partners")

    assert partner.payload["active"] is False


@both_protocols
def test_requests_are_told_without_credentials(sandbox: Sandbox, version: str) -> None:
    (page,) = exchanges(client_of(sandbox, version), "moves")

    assert "account.move/search_read" in page.request
    assert '"order":"id asc"' in page.request
    assert access_to(sandbox).secret not in page.request.replace("/odoo", "")


def test_registration_names_the_streams_that_the_client_reads(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    assert [stream.name for stream in ODOO.streams if not exchanges(client, stream.name)] == []


# ---------------------------------------------------------------------- changes


@both_protocols
def test_window_leaves_out_what_was_written_before_it(sandbox: Sandbox, version: str) -> None:
    sandbox.world.change(Document, "F2", due_date=date(2026, 3, 1))

    changed = records(client_of(sandbox, version), "moves", sandbox.world.clock)

    assert [r.payload["name"] for r in changed] == ["F2"]


def test_window_holds_what_was_written_in_its_first_second(sandbox: Sandbox) -> None:
    sandbox.world.clock = datetime(2026, 5, 1, 10, 0, 0, 300_000, tzinfo=UTC)
    sandbox.world.change(Document, "F2", due_date=date(2026, 3, 1))
    since = sandbox.world.clock + timedelta(microseconds=400_000)

    assert len(records(client_of(sandbox), "moves", since)) == 1


def test_payment_shows_in_the_lines_that_it_settles(sandbox: Sandbox) -> None:
    since = sandbox.world.clock
    sandbox.world.add(
        Payment(
            payment_id="P2", customer_id="C1", payment_date=since.date(), amount=Decimal("60.00")
        )
    )
    sandbox.world.add(
        Allocation(allocation_id="A2", source_id="P2", document_id="F2", amount=Decimal("60.00"))
    )

    changed = records(client_of(sandbox), "move_lines", since)

    assert {r.payload["move_name"]: r.payload["amount_residual"] for r in changed} == {
        "F2": 0,
        "BNK1/P2": 0,
    }


@both_protocols
def test_unreconciling_takes_the_id_off_the_list(sandbox: Sandbox, version: str) -> None:
    client = client_of(sandbox, version)
    before = keys(client, "partial_reconcile_ids")
    sandbox.world.delete(Allocation, "A1")

    assert len(before) == 1
    assert keys(client, "partial_reconcile_ids") == set()


def test_deleted_entry_takes_the_ids_of_its_lines_off_the_list(sandbox: Sandbox) -> None:
    client = client_of(sandbox)
    before = keys(client, "move_line_ids")
    sandbox.world.delete(Document, "F2")

    assert len(before - keys(client, "move_line_ids")) == 1


# ---------------------------------------------------------------------- company and version


def test_company_is_the_only_one_that_the_user_sees(sandbox: Sandbox) -> None:
    number, _, created = client_of(sandbox).company_id().partition("@")

    assert number.isdigit()
    assert datetime.fromisoformat(created)


def test_several_companies_need_a_name(server: Sandbox) -> None:
    server.serve(World([Entity(entity_id="one"), Entity(entity_id="two")], entity_id="one"))

    with pytest.raises(
        FatalError, match=r"encours_odoo: the user sees several companies .*company_id"
    ):
        client_of(server).company_id()


def test_named_company_is_read_alone(server: Sandbox) -> None:
    server.serve(
        World(
            [Entity(entity_id="one"), Entity(entity_id="two"), replace(BOOKS[2], entity_id="one")],
            entity_id="one",
        )
    )
    ids = {name: number_of("company", name) for name in ("one", "two")}
    served, other = (client_of(server, company_id=str(id)) for id in ids.values())

    assert served.company_id().startswith(f"{ids['one']}@")
    assert len(records(served, "moves")) == 1
    assert records(other, "moves") == []


def test_company_that_the_user_does_not_see_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match="sees no company 7"):
        client_of(sandbox, company_id="7").company_id()


def test_account_that_was_switched_is_another_company(sandbox: Sandbox) -> None:
    before = client_of(sandbox).company_id()
    sandbox.faults.add("switched_account")

    assert client_of(sandbox).company_id() != before


@pytest.mark.parametrize("plays", VERSIONS)
def test_version_is_asked_of_the_server(sandbox: Sandbox, plays: str) -> None:
    assert len(records(client_of(sandbox, plays, version=""), "moves")) == 2


@pytest.mark.parametrize("stated", ["18", "18.0", "saas~18.2+e", "18.0-20260101"])
def test_version_is_stated_in_any_form(sandbox: Sandbox, stated: str) -> None:
    assert len(records(client_of(sandbox, "18.0", version=stated), "moves")) == 2


@pytest.mark.parametrize(
    ("stated", "message"), [("12.0", "Odoo 12 is too old"), ("newest", "version of Odoo")]
)
def test_version_that_cannot_be_read_is_refused(
    sandbox: Sandbox, stated: str, message: str
) -> None:
    with pytest.raises(FatalError, match=message):
        client_of(sandbox, version=stated)


def test_xml_rpc_needs_the_name_of_the_database(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match="name the database"):
        client_of(sandbox, "17.0", database="")


def test_right_that_is_missing_is_named(sandbox: Sandbox) -> None:
    def without_balance(fields: Any) -> Any:
        return {name: kind for name, kind in fields.items() if name != "balance"}

    sandbox.faults.add(
        "rewritten", on="/odoo/json/2/account.move.line/fields_get", change=without_balance
    )

    with pytest.raises(FatalError, match=r"account\.move\.line has no field balance for this user"):
        records(client_of(sandbox), "move_lines")


# ---------------------------------------------------------------------- faults


PASSING_FAULTS = ["too_many_requests", "server_error", "hang", "reset", "truncated", "html_page"]


@both_protocols
@pytest.mark.parametrize("fault", PASSING_FAULTS)
def test_fault_that_passes_costs_no_row(sandbox: Sandbox, version: str, fault: str) -> None:
    client = client_of(sandbox, version)
    client.company_id()
    sandbox.faults.add(fault)

    assert len(records(client, "move_lines")) == 3


@both_protocols
@pytest.mark.parametrize("fault", ["server_error", "html_page", "truncated"])
def test_fault_that_stays_ends_in_one_line(sandbox: Sandbox, version: str, fault: str) -> None:
    client = client_of(sandbox, version)
    client.company_id()
    sandbox.faults.add(fault, times=100)

    with pytest.raises(RetryableError) as failure:
        records(client, "move_lines")

    assert_one_line(failure.value)


def assert_one_line(error: EncoursError) -> None:
    line = str(error)
    assert line.startswith("encours_odoo: ")
    assert "\n" not in line
    assert "Traceback" not in line
    assert "Secret" not in line


@both_protocols
def test_key_that_dies_in_mid_run_names_the_way_to_mend_it(sandbox: Sandbox, version: str) -> None:
    client = client_of(sandbox, version)
    client.company_id()
    sandbox.faults.add("dead_token")

    with pytest.raises(FatalError, match=r"access was refused.*encours connect odoo") as failure:
        records(client, "moves")

    assert_one_line(failure.value)


@both_protocols
def test_wrong_key_names_the_way_to_mend_it(sandbox: Sandbox, version: str) -> None:
    access = replace(access_to(sandbox, version), secret="wrong")

    with pytest.raises(FatalError, match="encours connect odoo") as failure:
        open_client(access, patience=StillClock().patience(read_seconds=0.4)).company_id()

    assert_one_line(failure.value)


@both_protocols
def test_traceback_of_the_server_is_told_nowhere(
    sandbox: Sandbox, version: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(sandbox, version)
    client.company_id()
    said = "Traceback (most recent call last):\nValueError: Client Secret"
    as_json = json.dumps({"name": "builtins.ValueError", "message": said, "debug": said})
    as_xml = xmlrpc.client.dumps(xmlrpc.client.Fault(1, said))
    if version == PROTOCOLS["json_2"]:
        sandbox.faults.add("server_error", body=as_json, times=100)
    else:
        sandbox.faults.add("server_error", body=as_xml, status=200, times=100)

    with pytest.raises(RetryableError) as failure:
        records(client, "partners")

    assert_one_line(failure.value)
    assert "Traceback" not in caplog.text
    assert "Secret" not in caplog.text


@pytest.mark.parametrize(
    ("code", "said"), [(2, "refused by Odoo"), (4, "no right to read these records")]
)
def test_refusal_by_xml_rpc_is_final(sandbox: Sandbox, code: int, said: str) -> None:
    client = client_of(sandbox, "17.0")
    client.company_id()
    fault = xmlrpc.client.dumps(xmlrpc.client.Fault(code, "Client Secret\nis not for you"))
    sandbox.faults.add("server_error", body=fault, status=200, times=100)

    with pytest.raises(FatalError, match=said) as failure:
        records(client, "partners")

    assert_one_line(failure.value)


@both_protocols
def test_clock_of_the_server_is_that_of_the_answers(sandbox: Sandbox, version: str) -> None:
    sandbox.faults.add("clock_skew", seconds=3600)

    (page,) = exchanges(client_of(sandbox, version), "moves")

    assert page.answered_at == sandbox.world.clock.replace(microsecond=0) + timedelta(hours=1)


def test_field_that_is_new_is_kept(sandbox: Sandbox) -> None:
    sandbox.faults.add("new_field", on="*/search_read")

    found = records(client_of(sandbox), "move_lines")

    assert {r.payload["x_studio_new"] for r in found} == {"sandbox_new"}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("unknown_value", "state is none of draft, posted, cancel"),
        ("missing_field", "has no field parent_state"),
        ("other_type", "balance is no number"),
    ],
)
def test_row_of_another_shape_is_refused(sandbox: Sandbox, fault: str, message: str) -> None:
    stream = "moves" if fault == "unknown_value" else "move_lines"
    client = client_of(sandbox)
    client.company_id()
    sandbox.faults.add(fault, on="*/search_read")

    with pytest.raises(
        FatalError, match=rf"odoo: account\.move(\.line)? \d+:? .*{message}|{message}"
    ):
        records(client, stream)


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": "odoo.exceptions.UserError"}',
        b"[1, 2]",
        b'[{"name": "no id"}]',
        b'[{"id": true}]',
        b"<methodResponse><params><param><value><int>1</int></value></param></params></methodResponse>",
    ],
)
def test_body_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(FatalError, match="odoo: "):
        read_records("moves", Exchange("", body))


def test_declared_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><methodResponse><params/></methodResponse>'

    with pytest.raises(RetryableError, match="no XML-RPC answer"):
        read_records("moves", Exchange("", bomb))
