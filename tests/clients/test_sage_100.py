"""The Sage 100 client against a database of the books: what it reads and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from scripted_server import StillClock

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.json_numbers import write_json
from encours.clients.sage_100 import Sage100Client, open_client, read_records
from encours.clients.sage_100_tables import STREAMS, page_of
from encours.clients.sql_session import SqlSession
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
from encours.sources.sage_100 import SAGE_100

if TYPE_CHECKING:
    from sqlalchemy import Select

NAME = "sage_100"
INVOICE = Document(
    document_id="F1",
    document_number="FA-1",
    customer_id="C1",
    issue_date=date(2026, 1, 10),
    due_date=date(2026, 2, 10),
    amount_incl_tax=Decimal("120.10"),
    amount_excl_tax=Decimal("100.08"),
)
BOOKS: list[Any] = [
    Entity(entity_id="main", entity_name="Société de démonstration", siren="123456782"),
    Customer(customer_id="C1", customer_name="Client Secret", siren="123456782"),
    INVOICE,
    replace(INVOICE, document_id="F2", document_number="FA-2", amount_incl_tax=Decimal("60.00")),
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


def access_to(sandbox: Sandbox, **options: str) -> Access:
    connection = sandbox.connection(NAME)
    return Access(
        connection_id="encours_sage_100",
        entity_id="main",
        base_url=connection["host"],
        secret=connection["password"],
        options=options,
    )


def client_of(sandbox: Sandbox, **options: str) -> Sage100Client:
    return open_client(access_to(sandbox, **options), patience=StillClock().patience())


def exchanges(client: Sage100Client, stream: str, since: datetime | None = None) -> list[Exchange]:
    return list(client.read(stream, Window(since)))


def records(client: Sage100Client, stream: str, since: datetime | None = None) -> list[Record]:
    pages = exchanges(client, stream, since)
    return [record for page in pages for record in read_records(stream, page)]


def receivables(client: Sage100Client, since: datetime | None = None) -> dict[str, dict[str, Any]]:
    """Lines on 411, by the number of their document."""
    return {
        record.payload["EC_RefPiece"]: dict(record.payload)
        for record in records(client, "ledger_lines", since)
        if record.payload["CT_Num"]
    }


def customers(number: int) -> World:
    return World([Customer(customer_id=f"C{n}") for n in range(number)])


def before_each_statement(client: Sage100Client, act: Callable[..., None]) -> None:
    from sqlalchemy import event

    event.listen(client._session._engine, "before_cursor_execute", act)


# ---------------------------------------------------------------------- pages


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 9], ids=str)
def test_every_row_of_every_page_is_read_once(server: Sandbox, rows: int) -> None:
    server.serve(customers(rows))

    pages = exchanges(client_of(server, page_size="3"), "customers")

    found = [record.key for page in pages for record in read_records("customers", page)]
    assert found == [f"C{n}" for n in range(rows)]
    # A last page that is full shows by the empty one behind it.
    assert len(pages) == rows // 3 + 1


def test_keys_of_the_ledger_are_listed_over_several_pages(sandbox: Sandbox) -> None:
    client = client_of(sandbox, page_size="3")

    listed = records(client, "ledger_line_ids")

    lines = records(client, "ledger_lines")
    assert len(lines) == 8
    assert [record.key for record in listed] == [record.key for record in lines]
    assert [record.payload for record in listed] == [{"EC_No": int(r.key)} for r in listed]


def test_rows_that_come_while_a_listing_is_read_push_no_other_out(sandbox: Sandbox) -> None:
    sandbox.serve(customers(9))
    client = client_of(sandbox, page_size="3")
    found: list[str] = []

    for number, page in enumerate(client.read("customers", Window())):
        found += [record.key for record in read_records("customers", page)]
        sandbox.world.delete(Customer, f"C{number}")
        sandbox.world.add(Customer(customer_id=f"B{number}"))
        sandbox.connection(NAME)

    assert found == [f"C{n}" for n in range(9)]


def test_page_that_comes_again_is_noticed(sandbox: Sandbox, monkeypatch: Any) -> None:
    sandbox.serve(customers(9))
    client = client_of(sandbox, page_size="3")
    rows = SqlSession.rows
    same = rows(client._session, "F_COMPTET", statement("customers", limit=3))
    monkeypatch.setattr(SqlSession, "rows", lambda *_: same)

    with pytest.raises(RetryableError, match="the listing moved or repeats"):
        records(client, "customers")


# ---------------------------------------------------------------------- what is read


def test_ledger_lines_say_who_owes_what_until_when(sandbox: Sandbox) -> None:
    line = receivables(client_of(sandbox))["FA-1"]

    assert {name: line[name] for name in ("CG_Num", "CT_Num", "EC_Sens", "EC_Montant")} == {
        "CG_Num": "4110000",
        "CT_Num": "C1",
        "EC_Sens": 0,
        "EC_Montant": Decimal("120.10"),
    }
    assert str(line["EC_Echeance"]).startswith("2026-02-10")


def test_entries_of_customers_come_whole_and_no_others(sandbox: Sandbox) -> None:
    lines = [record.payload for record in records(client_of(sandbox), "ledger_lines")]

    assert {line["JO_Num"] for line in lines} == {"VTE", "BQ1"}
    for entry in {line["EC_Piece"] for line in lines}:
        sides = [
            (-1) ** line["EC_Sens"] * line["EC_Montant"]
            for line in lines
            if line["EC_Piece"] == entry
        ]
        assert len(sides) > 1
        assert sum(sides) == 0


def test_nothing_is_read_of_what_an_entry_says_in_words(sandbox: Sandbox) -> None:
    (page,) = exchanges(client_of(sandbox), "ledger_lines")

    assert b"EC_Intitule" not in page.body


def test_what_is_set_off_bears_one_code(sandbox: Sandbox) -> None:
    before = receivables(client_of(sandbox))
    sandbox.world.add(
        Payment(
            payment_id="P2",
            customer_id="C1",
            payment_date=date(2026, 1, 21),
            amount=Decimal("20.10"),
            reference="rest",
        )
    )
    sandbox.world.add(
        Allocation(allocation_id="A2", source_id="P2", document_id="F1", amount=Decimal("20.10"))
    )

    after = receivables(client_of(sandbox))

    # Small letters say that the group does not add up yet.
    assert before["FA-1"]["EC_Lettrage"] == before[""]["EC_Lettrage"] != ""
    assert before["FA-1"]["EC_Lettrage"].islower()
    assert after["rest"]["EC_Lettrage"] == after["FA-1"]["EC_Lettrage"] == after[""]["EC_Lettrage"]
    assert after["FA-1"]["EC_Lettrage"].isupper()
    assert after["FA-2"]["EC_Lettrage"] == ""


def test_instalments_refunds_and_losses_are_lines_of_their_own(server: Sandbox) -> None:
    server.serve(
        World(
            [
                *BOOKS[:3],
                Instalment(
                    document_id="F1",
                    instalment_no=1,
                    due_date=date(2026, 3, 1),
                    amount=Decimal("20.10"),
                ),
                Instalment(
                    document_id="F1",
                    instalment_no=2,
                    due_date=date(2026, 4, 1),
                    amount=Decimal("100.00"),
                ),
                WriteOff(
                    write_off_id="W1",
                    document_id="F1",
                    instalment_no=1,
                    write_off_date=date(2026, 5, 1),
                    amount=Decimal("20.10"),
                ),
                Payment(
                    payment_id="R1",
                    payment_type="refund",
                    customer_id="C1",
                    payment_date=date(2026, 5, 2),
                    amount=Decimal("5.00"),
                ),
            ]
        )
    )

    lines = [record.payload for record in records(client_of(server), "ledger_lines")]

    told = {
        (line["CG_Num"], line["EC_Sens"], line["EC_Montant"], line["EC_Lettrage"].isupper())
        for line in lines
        if not line["CG_Num"].startswith(("7", "4457"))
    }
    assert told == {
        ("4110000", 0, Decimal("20.10"), True),
        ("4110000", 0, Decimal("100.00"), False),
        ("4110000", 1, Decimal("20.10"), True),
        ("6540000", 0, Decimal("20.10"), False),
        ("4110000", 0, Decimal("5.00"), False),
        ("5120000", 1, Decimal("5.00"), False),
    }


def test_only_customers_are_read_of_third_parties(sandbox: Sandbox) -> None:
    (customer,) = records(client_of(sandbox), "customers")

    assert customer.payload == {
        "CT_Num": "C1",
        "CT_Type": 0,
        "CT_Intitule": "Client Secret",
        "CT_Siret": "12345678200019",
        "CT_Identifiant": "",
    }


def test_receipts_are_read(sandbox: Sandbox) -> None:
    (receipt,) = records(client_of(sandbox), "receipts")

    assert (receipt.payload["CT_NumPayeur"], receipt.payload["RG_Montant"]) == ("C1", Decimal(100))


def test_installation_without_the_commercial_side_has_no_receipts(sandbox: Sandbox) -> None:
    tables = sandbox.desk(NAME).tables
    assert tables is not None
    sandbox.desk(NAME).tables = lambda: [t for t in tables() if t.name != "F_CREGLEMENT"]

    assert exchanges(client_of(sandbox), "receipts") == []


def test_registration_names_the_streams_that_the_client_reads(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    assert [stream.name for stream in SAGE_100.streams if not exchanges(client, stream.name)] == []


def test_amounts_have_the_digits_that_the_ledger_keeps(sandbox: Sandbox) -> None:
    sandbox.world.change(Document, "F2", amount_incl_tax=Decimal("1234567890.17"))

    assert receivables(client_of(sandbox))["FA-2"]["EC_Montant"] == Decimal("1234567890.17")


# ---------------------------------------------------------------------- changes


def test_window_brings_whole_entries_that_were_touched(sandbox: Sandbox) -> None:
    sandbox.world.clock += timedelta(days=1)
    sandbox.world.change(Document, "F2", due_date=date(2026, 3, 1))

    changed = records(client_of(sandbox), "ledger_lines", sandbox.world.clock)

    assert {record.payload["EC_RefPiece"] for record in changed} == {"FA-2"}
    assert len(changed) == 3


def test_window_holds_what_was_written_at_its_first_moment(sandbox: Sandbox) -> None:
    sandbox.world.change(Document, "F2", due_date=date(2026, 3, 1))
    client = client_of(sandbox)

    assert receivables(client, sandbox.world.clock).keys() == {"FA-2"}
    assert receivables(client, sandbox.world.clock + timedelta(microseconds=1)) == {}


def test_line_that_was_added_brings_the_others_of_its_entry(sandbox: Sandbox) -> None:
    """A window must not bring half an entry: its other lines say what it is."""
    sandbox.world.clock += timedelta(days=1)
    moment = f"{sandbox.world.clock:%Y-%m-%d %H:%M:%S.%f}"

    def touch_one(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**row, "cbModification": moment}
            if row.get("EC_RefPiece") == "FA-2" and n == 3
            else row
            for n, row in enumerate(rows)
        ]

    sandbox.faults.add("rewritten", on="/sage_100/F_ECRITUREC", change=touch_one)

    changed = records(client_of(sandbox), "ledger_lines", sandbox.world.clock)

    assert len(changed) == 3


def test_matching_is_a_change_of_both_sides(sandbox: Sandbox) -> None:
    sandbox.world.clock += timedelta(days=1)
    sandbox.world.delete(Allocation, "A1")

    changed = receivables(client_of(sandbox), sandbox.world.clock)

    assert {number: line["EC_Lettrage"] for number, line in changed.items()} == {"FA-1": "", "": ""}


def test_records_bear_the_moment_that_the_server_tells(sandbox: Sandbox) -> None:
    touched = sandbox.world.touched_at(sandbox.world.get(Document, "F2"))

    moments = {
        record.updated_at
        for record in records(client_of(sandbox), "ledger_lines")
        if record.payload["EC_RefPiece"] == "FA-2"
    }

    assert moments == {touched}


@pytest.mark.parametrize("void", [True, False])
def test_entry_that_is_gone_is_off_the_list_of_keys(sandbox: Sandbox, void: bool) -> None:
    client = client_of(sandbox)
    before = {record.key for record in records(client, "ledger_line_ids")}
    _ = sandbox.world.void("F2") if void else sandbox.world.delete(Document, "F2")
    sandbox.connection(NAME)

    after = {record.key for record in records(client, "ledger_line_ids")}

    assert after < before
    assert len(before - after) == 3


# ---------------------------------------------------------------------- company


def test_company_is_named_by_its_siret(sandbox: Sandbox) -> None:
    assert client_of(sandbox).company_id() == "12345678200019"


def test_company_without_siret_is_named_by_its_name(server: Sandbox) -> None:
    server.serve(World([Entity(entity_id="main", entity_name="Sans numéro")]))

    assert client_of(server).company_id() == "Sans numéro"


def test_database_that_was_switched_is_another_company(sandbox: Sandbox) -> None:
    before = client_of(sandbox).company_id()
    sandbox.faults.add("switched_account")

    assert client_of(sandbox).company_id() != before


# ---------------------------------------------------------------------- SQL Server


def statement(stream: str, *, since: datetime | None = None, limit: int = 100) -> Select[Any]:
    shape = STREAMS[stream]
    after = "C1" if shape.key in ("CT_Num", "D_RaisonSoc") else 7
    return page_of(shape, (*shape.columns, *shape.optional), after=after, since=since, limit=limit)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("since", [None, datetime(2026, 1, 1).astimezone()], ids=["all", "window"])
def test_sql_server_is_asked_for_one_page_after_the_last_key(
    stream: str, since: datetime | None
) -> None:
    from sqlalchemy.dialects import mssql

    shape = STREAMS[stream]

    text = " ".join(str(statement(stream, since=since).compile(dialect=mssql.dialect())).split())

    words = text.upper().replace("(", " ").replace(")", " ").split()
    assert text.startswith("SELECT TOP __[POSTCOMPILE_param_1]")
    assert f"[{shape.table}].[{shape.key}] > :" in text
    assert text.endswith(f"ORDER BY [{shape.table}].[{shape.key}]")
    assert ("cbModification] >= :" in text) == (
        since is not None and stream in ("ledger_lines", "ledger_line_ids", "receipts")
    )
    assert not {"INSERT", "UPDATE", "DELETE", "EXEC", "MERGE", "INTO", "DROP"} & set(words)


def test_database_is_opened_to_be_read_only(sandbox: Sandbox) -> None:
    client = client_of(sandbox)

    with client._session._engine.connect() as connection:
        (is_read_only,) = connection.exec_driver_sql("pragma query_only").one()

    assert is_read_only == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "mssql+pymssql://server:1433/COMPTA",
            "the driver pymssql is not installed .*pip install pymssql",
        ),
        ("mssql+pyodbc://server/COMPTA", "the driver pyodbc is not installed"),
        ("mssql+nonsense://server/COMPTA", "the address cannot be used"),
        ("postgresql://server/COMPTA", "must be a SQLAlchemy URL of mssql or sqlite"),
        ("server\\SAGE100", "must be a SQLAlchemy URL"),
        ("", "must be a SQLAlchemy URL"),
        ("mssql+pymssql://sa:geheim@server/COMPTA", "must hold no credentials"),
        ("sqlite:////nowhere/at/all.db", "no connection to the database"),
    ],
)
def test_address_that_cannot_be_used_is_told_in_one_line(url: str, expected: str) -> None:
    access = Access("encours_sage_100", "main", url, login="", secret="s3cret")

    with pytest.raises(EncoursError, match=expected) as caught:
        open_client(access, patience=StillClock().patience()).company_id()

    assert "\n" not in str(caught.value)
    assert "geheim" not in str(caught.value)
    assert str(caught.value).startswith("encours_sage_100: ")


def test_page_size_must_be_a_number(sandbox: Sandbox) -> None:
    with pytest.raises(FatalError, match="page_size in the connection's extra is no number"):
        client_of(sandbox, page_size="many")


class DriverError(Exception):
    """What a driver raises."""


def operational_error(cause: DriverError) -> Exception:
    """As SQLAlchemy wraps it."""
    from sqlalchemy.exc import OperationalError

    return OperationalError("SELECT secret", None, cause)


def broken(number: int | str) -> Callable[..., None]:
    """A server that refuses with its own words, which are nobody's business."""
    if isinstance(number, int):
        cause = DriverError(number, b"Login failed for user 'directrice'")
    else:
        cause = DriverError("42000", f"[42000] 'directrice' ({number}) (SQLExecDirectW)")

    def refuse(*_: Any) -> None:
        raise operational_error(cause)

    return refuse


@pytest.mark.parametrize("form", [int, str], ids=["pymssql", "pyodbc"])
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (18456, "the login was refused .correct login and password"),
        (4060, "the login may not open the database"),
        (229, "P_DOSSIER may not be read by this login .grant it SELECT"),
        (208, "P_DOSSIER is not there"),
        (207, "P_DOSSIER has not all columns"),
    ],
)
def test_refusal_of_the_server_is_told_in_one_line(
    sandbox: Sandbox, form: type, number: int, expected: str
) -> None:
    client = client_of(sandbox)
    before_each_statement(client, broken(form(number)))

    with pytest.raises(FatalError, match=expected) as caught:
        client.company_id()

    assert "directrice" not in str(caught.value)
    assert "\n" not in str(caught.value)


# ---------------------------------------------------------------------- faults


def lost(times: int) -> Callable[..., None]:
    """A connection that dies under the next statements."""
    left = times

    def lose(*_: Any) -> None:
        nonlocal left
        left -= 1
        if left >= 0:
            raise operational_error(DriverError(20047, b"DBPROCESS is dead"))

    return lose


def test_connection_that_dies_in_mid_run_is_opened_again(sandbox: Sandbox) -> None:
    sandbox.serve(customers(9))
    client = client_of(sandbox, page_size="3")
    pages = client.read("customers", Window())
    found = list(read_records("customers", next(pages)))
    before_each_statement(client, lost(2))

    found += [record for page in pages for record in read_records("customers", page)]

    assert [record.key for record in found] == [f"C{n}" for n in range(9)]


def test_connection_that_stays_dead_ends_the_run_for_now(sandbox: Sandbox) -> None:
    clock = StillClock()
    client = open_client(access_to(sandbox), patience=clock.patience())
    before_each_statement(client, lost(100))

    with pytest.raises(RetryableError, match=r"no connection .*20047 \(run again"):
        client.company_id()

    assert len(clock.slept) == 5


@pytest.mark.parametrize(
    ("fault", "options", "expected"),
    [
        ("unknown_value", {}, r"F_ECRITUREC \d+: EC_Sens is neither 0"),
        ("other_type", {}, "JM_Date is no date"),
        ("other_type", {"field": "*.EC_Montant", "value": "viel"}, "EC_Montant is no number"),
        ("other_type", {"field": "*.EC_No", "value": ""}, "has no EC_No"),
        ("other_type", {"field": "*.EC_Jour", "value": "0"}, "EC_Jour is no day"),
        ("other_type", {"field": "*.cbModification", "value": "hier"}, "is no moment"),
        ("other_type", {"field": "*.EC_ANType", "value": "oui"}, "EC_ANType is no number"),
        ("missing_field", {}, "F_ECRITUREC has no column EC_Echeance .*FEC"),
        ("missing_field", {"field": "*.EC_ANType"}, "F_ECRITUREC has no column EC_ANType"),
    ],
)
def test_ledger_that_is_kept_otherwise_is_refused(
    sandbox: Sandbox, fault: str, options: dict[str, str], expected: str
) -> None:
    sandbox.faults.add(fault, on="/sage_100/F_ECRITUREC", **options)

    with pytest.raises(FatalError, match=expected) as caught:
        records(client_of(sandbox), "ledger_lines")

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "options"),
    [("new_field", {}), ("missing_field", {"field": "*.N_Reglement"})],
)
def test_columns_that_nothing_rests_upon_may_come_and_go(
    sandbox: Sandbox, fault: str, options: dict[str, str]
) -> None:
    before = receivables(client_of(sandbox))
    sandbox.faults.add(fault, on="/sage_100/F_ECRITUREC", **options)

    after = receivables(client_of(sandbox))

    assert {n: line["EC_Montant"] for n, line in after.items()} == {
        n: line["EC_Montant"] for n, line in before.items()
    }
    assert not any("EC_Nouveau" in line for line in after.values())


def test_faults_of_requests_do_not_strike_a_database(sandbox: Sandbox) -> None:
    added = [sandbox.faults.add(name) for name in ("html_page", "truncated", "server_error")]

    assert client_of(sandbox).company_id()
    assert [fault.struck for fault in added] == [0, 0, 0]


@pytest.mark.parametrize(
    ("stream", "value", "expected"),
    [
        ("customers", {"CT_Num": "C1"}, "is no list"),
        ("customers", ["C1"], "is no record"),
        ("customers", [{"CT_Type": 0}], "has no CT_Num"),
        ("receipts", [{"RG_No": 1, "RG_Date": ""}], "F_CREGLEMENT 1 has no CT_NumPayeur"),
    ],
)
def test_page_of_another_shape_is_refused(stream: str, value: Any, expected: str) -> None:
    with pytest.raises(FatalError, match=expected):
        read_records(stream, Exchange("", write_json(value)))


def test_row_that_says_not_when_it_was_written_is_read(sandbox: Sandbox) -> None:
    def forget(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "cbModification": None} for row in rows]

    sandbox.faults.add("rewritten", on="/sage_100/F_ECRITUREC", change=forget)

    assert {record.updated_at for record in records(client_of(sandbox), "ledger_lines")} == {None}
