"""The Cegid Loop client against the stand-in: what it reads by its mapping, and how it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from scripted_server import StillClock

from encours.clients.api import Access, Exchange, Record, Window
from encours.clients.cegid_loop import CegidLoopClient, open_client, read_records
from encours.clients.cegid_loop_entries import EntryMapping
from encours.errors import EncoursError, FatalError, RetryableError
from encours.sandbox.books import Allocation, Customer, Document, Entity, Payment, World
from encours.sandbox.cegid_loop import OPTIONS
from encours.sandbox.server import Sandbox
from encours.sources.cegid_loop import CEGID_LOOP

LINES = "/cegid_loop/EcritureComptable"
STREAMS = [stream.name for stream in CEGID_LOOP.streams]
FULL = Window()


def invoice(number: int, **values: Any) -> Document:
    return Document(
        **{
            "document_id": f"F{number}",
            "customer_id": "C1",
            "issue_date": date(2026, 1, 10),
            "due_date": date(2026, 2, 9),
            "amount_incl_tax": Decimal("120.00"),
            "amount_excl_tax": Decimal("100.00"),
            **values,
        }
    )


def untaxed(number: int, **values: Any) -> Document:
    """An invoice of two lines, so that books have any even number of them."""
    return invoice(number, amount_excl_tax=Decimal("120.00"), **values)


def payment(name: str = "P1", **values: Any) -> Payment:
    return Payment(
        **{
            "payment_id": name,
            "customer_id": "C1",
            "payment_date": date(2026, 2, 1),
            "amount": Decimal("120.00"),
            **values,
        }
    )


def paid(number: int, name: str = "P1") -> Allocation:
    return Allocation(
        allocation_id=f"{name}-{number}",
        source_id=name,
        document_id=f"F{number}",
        amount=Decimal("120.00"),
    )


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(World([]), limits=False) as sandbox:
        yield sandbox


class Served:
    """A stand-in with its books, and a client of it whose waits take no time."""

    def __init__(self, sandbox: Sandbox, *rows: Any, limits: bool = False) -> None:
        self.clock = StillClock()
        self.world = World(
            [
                Entity(entity_id="main", entity_name="Exemple SAS", siren="123456782"),
                Customer(customer_id="C1", customer_name="Client Secret", siren="987654324"),
                *rows,
            ]
        )
        sandbox.serve(self.world, limits=limits, monotonic=self.clock.monotonic)
        self.faults = sandbox.faults
        self.desk = sandbox.desk("cegid_loop")
        self._fields = sandbox.connection("cegid_loop")
        self.client = self.open()

    def open(self, secret: str = "", **options: Any) -> CegidLoopClient:
        fields = self._fields
        given = {**fields["extra"], **options}
        access = Access(
            "encours_cegid_loop",
            "main",
            fields["host"],
            fields["login"],
            secret or fields["password"],
            {name: value for name, value in given.items() if value is not None},
        )
        patience = self.clock.patience(read_seconds=5, seconds=60, draw=lambda: 0.0)
        return open_client(access, patience=patience)

    def read(self, stream: str = "ecritures") -> dict[str, Record]:
        return {
            record.key: record
            for exchange in self.client.read(stream, FULL)
            for record in read_records(stream, exchange)
        }

    def numbers(self) -> set[str]:
        return {record.payload["entry"] for record in self.read().values()}

    def asked(self) -> list[str]:
        """The listings of lines that were asked for, without the one line that is looked at."""
        queries = [call.query for call in self.desk.calls.of(LINES)]
        return [query for query in queries if "take=100" in query]


# ---------------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("invoices", "pages"), [(0, 1), (1, 2), (50, 2), (51, 3), (149, 4)], ids=str
)
def test_all_lines_are_read_however_many_pages_they_take(
    running: Sandbox, invoices: int, pages: int
) -> None:
    served = Served(running, *(untaxed(number) for number in range(invoices)))

    read = served.read()

    assert len(read) == 2 * invoices
    assert (
        len([query for query in served.asked() if "null" in query and "21" not in query]) == pages
    )


def test_lines_with_and_without_lettering_are_both_read(running: Sandbox) -> None:
    served = Served(running, invoice(1), invoice(2), payment(), paid(1))

    lettered = {
        (line.payload["entry"], line.payload["account"])
        for line in served.read().values()
        if "lettering" in line.payload
    }

    assert served.numbers() == {"F1", "F2", "P1"}
    assert lettered == {("F1", "411000"), ("P1", "411000")}


def test_entries_are_read_from_the_first_day_on(running: Sandbox) -> None:
    served = Served(running, invoice(1), invoice(2, issue_date=date(2025, 12, 31)))
    served.client = served.open(first_day="2026-01-01")

    assert served.numbers() == {"F1"}


@pytest.mark.parametrize("stream", [name for name in STREAMS if name != "ecritures"])
def test_other_listings_are_read_to_their_end(running: Sandbox, stream: str) -> None:
    customers = (Customer(customer_id=f"K{number}") for number in range(100))
    served = Served(running, *customers)

    counts = {"tiers_clients": 101, "comptes": 5, "journaux": 3, "etablissements": 1}
    assert len(served.read(stream)) == counts[stream]


def test_requests_stay_within_the_limit_of_the_connection(running: Sandbox) -> None:
    served = Served(running, untaxed(1), limits=True)

    for _ in range(20):
        served.read()

    assert len(served.desk.calls) > 60
    assert served.desk.calls.most_within(60.0) <= 60


# ---------------------------------------------------------------------- what a line says


def test_a_line_is_what_the_mapping_names(running: Sandbox) -> None:
    served = Served(running, invoice(1))

    owed, sold, tax = (record.payload for record in served.read().values())

    assert owed == {
        "journal": "VE",
        "entry": "F1",
        "entry_date": "2026-01-10",
        "account": "411000",
        "third_party": "C1",
        "reference": "F1",
        "due_date": "2026-02-09",
        "debit": "120.00",
        "credit": "0",
        "closing_date": "2026-12-31",
    }
    assert (sold["credit"], tax["credit"]) == ("100.00", "20.00")
    assert "third_party" not in sold


def read_line(item: dict[str, Any], **options: str) -> dict[str, str]:
    mapping = {
        "field_id": "id",
        "field_journal": "j",
        "field_entry": "e",
        "field_date": "d",
        "field_account": "a",
        "field_lettering": "l",
        **options,
    }
    line = {"id": 1, "j": "VE", "e": 7, "d": "2026-01-10", "a": "411", "l": None, **item}
    request = f"/EcritureComptable?skip=0#{EntryMapping(mapping).fragment()}"
    (record,) = read_records("ecritures", Exchange(request, json.dumps([line]).encode()))
    return dict(record.payload)


DEBIT_CREDIT = {"field_debit": "x", "field_credit": "y"}
SIDED = {"field_amount": "x", "field_side": "s", "debit_side": "0", "credit_side": "1"}


@pytest.mark.parametrize(
    ("item", "options", "debit", "credit"),
    [
        ({"x": 12.5, "y": 0}, DEBIT_CREDIT, "12.5", "0"),
        ({"x": None, "y": "12.50"}, DEBIT_CREDIT, "0", "12.50"),
        ({"x": -3, "y": None}, DEBIT_CREDIT, "-3", "0"),
        ({"x": 5}, {"field_amount": "x"}, "5", "0"),
        ({"x": -5}, {"field_amount": "x"}, "0", "5"),
        ({"x": 5, "s": 0}, SIDED, "5", "0"),
        ({"x": 5, "s": "1"}, SIDED, "0", "5"),
    ],
    ids=str,
)
def test_amounts_are_read_in_each_form(
    item: dict[str, Any], options: dict[str, str], debit: str, credit: str
) -> None:
    line = read_line(item, **options)

    assert (line["debit"], line["credit"]) == (debit, credit)


@pytest.mark.parametrize(
    ("day", "month", "closing"),
    [
        ("2026-01-10", "12", "2026-12-31"),
        ("2026-06-30T00:00:00", "6", "2026-06-30"),
        ("2026-07-01", "6", "2027-06-30"),
        ("2027-03-01", "2", "2028-02-29"),
    ],
)
def test_fiscal_year_ends_with_the_closing_month(day: str, month: str, closing: str) -> None:
    line = read_line({"x": 1, "d": day}, field_amount="x", closing_month=month)

    assert (line["entry_date"], line["closing_date"]) == (day[:10], closing)


@pytest.mark.parametrize(
    ("item", "option", "why"),
    [
        ({"x": 1, "a": None}, {}, "field_account names, a, is not there"),
        ({"x": 1, "d": "10/01/2026"}, {}, "field_date names, d, is no day"),
        ({"x": 1, "d": "2026-13-01"}, {}, "field_date names, d, is no day"),
        ({"x": 1, "d": "2026-01-10T23:00:00Z"}, {}, "field_date names, d, is no day"),
        ({"x": "1,50"}, {}, "field_amount names, x, is no amount"),
        ({"x": True}, {}, "field_amount names, x, is no single value"),
        ({"y": 1}, {}, "field_amount names, x, is not there"),
        ({"x": 1, "j": {"code": "VE"}}, {}, "field_journal names, j, is no single value"),
        ({"x": 1, "s": "D"}, SIDED, "field_side names, s, is neither"),
        ({}, {**DEBIT_CREDIT, "field_amount": ""}, "field_debit names, x, is not there, nor"),
    ],
    ids=str,
)
def test_a_line_that_the_mapping_does_not_fit_is_refused_with_its_fields(
    item: dict[str, Any], option: dict[str, str], why: str
) -> None:
    options = {name: path for name, path in {"field_amount": "x", **option}.items() if path}

    with pytest.raises(FatalError, match=why) as raised:
        read_line(item, **options)

    assert "a line has id, j, e, d, a" in str(raised.value).replace("j.code", "j")
    assert "VE" not in str(raised.value)


# ---------------------------------------------------------------------- the mapping of a connection


def test_a_missing_mapping_is_told_with_the_fields_that_a_line_has(running: Sandbox) -> None:
    served = Served(running, invoice(1))
    client = served.open(field_date=None, field_debit=None)

    with pytest.raises(FatalError) as raised:
        client.company_id()

    line = str(raised.value)
    assert "field_date (its date)" in line
    assert "field_debit and field_credit, or field_amount" in line
    assert "piece.jour" in line
    assert "FEC" in line
    assert "Secret" not in line


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"field_account": "compte.numero"}, "field_account names, compte.numero, is not there"),
        ({"field_lettering": "piece.numero"}, "is not the lettering"),
        ({"field_due_date": "dateEcheance"}, r"field_due_date \(dateEcheance\)"),
        ({"field_amount": "mouvement.debit", "field_side": "compte.0"}, "debit_side"),
        ({"closing_month": "13"}, "closing_month"),
        ({"first_day": "01/01/2026"}, "first_day"),
        ({"requests_per_minute": "0"}, "requests_per_minute"),
        ({"code_dossier": None, "subscription_key": None}, "code_dossier"),
    ],
    ids=str,
)
def test_a_connection_that_does_not_fit_is_refused_in_one_line(
    running: Sandbox, options: dict[str, Any], why: str
) -> None:
    served = Served(running, invoice(1), payment(), paid(1))

    def read() -> None:
        served.client = served.open(**options)
        served.read()

    with pytest.raises(FatalError, match=why):
        read()


def test_lettered_lines_without_what_the_mapping_calls_lettering_are_refused(
    running: Sandbox,
) -> None:
    served = Served(running, invoice(1), payment(), paid(1))
    served.faults.add("missing_field", on=LINES, field="*.paquet")

    with pytest.raises(FatalError, match="is not the lettering: lines of codeLettrage!=null"):
        served.read()


def test_an_answer_that_was_landed_is_read_by_the_mapping_of_its_day(running: Sandbox) -> None:
    served = Served(running, invoice(1))
    exchange = next(iter(served.client.read("ecritures", FULL)))

    (first, *_) = read_records("ecritures", exchange)

    assert first.payload["account"] == "411000"
    assert all("field_" not in call.query for call in served.desk.calls)


# ---------------------------------------------------------------------- what was cut off


@pytest.mark.parametrize(
    "is_kept",
    [lambda place: place < 100, lambda place: place != 3],
    ids=["beyond_100_lines", "one_line"],
)
def test_lines_that_do_not_balance_are_not_taken_for_the_books(
    running: Sandbox, is_kept: Any
) -> None:
    served = Served(running, *(invoice(number) for number in range(40)))

    def cut(body: list[Any]) -> list[Any]:
        return [line for line in body if is_kept(order.setdefault(line["uuid"], len(order)))]

    order: dict[str, int] = {}
    served.faults.add("rewritten", on=LINES, change=cut)

    with pytest.raises(RetryableError, match=r"differ.*export the FEC"):
        served.read()


def test_a_skip_that_is_not_obeyed_is_noticed(running: Sandbox) -> None:
    served = Served(running, *(untaxed(number) for number in range(60)))
    first: list[Any] = []

    def always_the_first(body: list[Any]) -> list[Any]:
        if len(body) == 100 and not first:
            first.extend(body)
        return first or body

    served.faults.add("rewritten", on=LINES, change=always_the_first)

    with pytest.raises(RetryableError, match="the same records come again"):
        served.read()


# ---------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("too_many_requests", {}),
        ("too_many_requests", {"form": "date"}),
        ("too_many_requests", {"form": "none"}),
        ("server_error", {}),
        ("reset", {}),
        ("truncated", {}),
        ("html_page", {}),
        ("hang", {"seconds": 0.1}),
        ("repeated_page", {"after": 2}),
        ("repeated_page", {"after": 3}),
        ("moving_rows", {"after": 1}),
        ("clock_skew", {}),
        ("new_field", {}),
        ("other_type", {}),
    ],
    ids=str,
)
def test_a_passing_fault_costs_no_line(
    running: Sandbox, fault: str, options: dict[str, Any]
) -> None:
    served = Served(running, *(untaxed(number) for number in range(120)))
    served.faults.add(fault, on=LINES, **options)

    assert served.numbers() >= {f"F{number}" for number in range(120)}


def test_a_line_that_leaves_while_reading_is_noticed(running: Sandbox) -> None:
    served = Served(running, *(invoice(number) for number in range(120)))
    first = min(served.world.documents, key=lambda row: row.created_at)
    served.faults.add(
        "moving_rows",
        on=LINES,
        after=1,
        change=lambda world: world.delete(Document, first.key),
    )

    with pytest.raises(RetryableError, match="run again"):
        served.read()


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("too_many_requests", {"times": 99}, RetryableError),
        ("too_many_requests", {"retry_after": 9000}, RetryableError),
        ("server_error", {"times": 99}, RetryableError),
        ("truncated", {"times": 99}, RetryableError),
        ("html_page", {"times": 99}, RetryableError),
        ("dead_token", {}, FatalError),
        ("missing_field", {}, FatalError),
        ("missing_field", {"field": "*.uuid"}, FatalError),
        ("other_type", {"value": "Client Secret"}, FatalError),
        ("other_type", {"field": "*.piece", "value": "Client Secret"}, FatalError),
        ("rewritten", {"change": lambda _: {"message": "Client Secret"}}, FatalError),
    ],
)
def test_a_lasting_fault_is_one_line_without_what_the_books_say(
    running: Sandbox, fault: str, options: dict[str, Any], error: type[EncoursError]
) -> None:
    served = Served(running, invoice(1))
    served.faults.add(fault, on=LINES, **options)

    with pytest.raises(error) as raised:
        served.read()

    line = str(raised.value)
    assert "\n" not in line
    assert "Secret" not in line
    assert "sandbox-" not in line


def test_a_refused_key_names_the_connection_and_how_to_mend_it(running: Sandbox) -> None:
    client = Served(running).open(secret="an-old-secret")

    with pytest.raises(
        FatalError, match=r"^encours_cegid_loop: .*encours connect cegid_loop"
    ) as raised:
        client.company_id()

    assert "an-old-secret" not in str(raised.value)


def test_another_account_has_another_company_id(running: Sandbox) -> None:
    served = Served(running)
    before = served.client.company_id()
    served.faults.add("switched_account")

    assert served.open().company_id() != before
    assert before.startswith("SANDBOX01/")


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5, 6, 7, 8, "8", "ANouveau", "Vente"])
def test_each_type_of_journal_is_read(kind: object) -> None:
    body = json.dumps([{"objectId": "j", "code": "X", "type": kind}]).encode()

    (record,) = read_records("journaux", Exchange("/journal", body))

    assert record.payload["type"] == kind


@pytest.mark.parametrize("kind", [9, None, "sandbox_unknown"])
def test_an_unknown_type_of_journal_is_refused(kind: object) -> None:
    body = json.dumps([{"objectId": "j", "code": "X", "type": kind}]).encode()

    with pytest.raises(FatalError, match="a journal has a type that is not known"):
        list(read_records("journaux", Exchange("/journal", body)))


# ---------------------------------------------------------------------- the reference's rules


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("EcritureComptable", {"codeDossier": "SANDBOX01"}, 400),
        ("EcritureComptable", {"codeDossier": "SANDBOX01", "filter": 'journalCode=="VE"'}, 400),
        ("compte", {}, 404),
        ("compte", {"codeDossier": "SANDBOX01", "skip": "x"}, 400),
    ],
)
def test_the_stand_in_refuses_what_the_reference_does_not_allow(
    running: Sandbox, path: str, params: dict[str, str], status: int
) -> None:
    import requests

    Served(running, invoice(1))
    headers = {
        "x-apikey": "sandbox-key:sandbox",
        "Ocp-Apim-Subscription-Key": OPTIONS["subscription_key"],
    }

    answer = requests.get(
        f"{running.url}/cegid_loop/{path}", params=params, headers=headers, timeout=5
    )

    assert answer.status_code == status


def test_a_line_keeps_its_key_when_it_is_lettered(running: Sandbox) -> None:
    served = Served(running, invoice(1), payment())
    before = set(served.read())
    served.world.clock += timedelta(hours=1)
    served.world.add(paid(1))

    assert set(served.read()) == before
