"""The client's requests and the stand-in's answers against the vendor's own specification.

`sage-accounting/openapi.json` and `openapi.user_business.json` as published (openapi_documents says
where they are looked for); the tests are skipped without them.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft7Validator, FormatChecker
from openapi_documents import read_document
from sandbox_books import allocation, books, credit_note, invoice, payment
from test_sage_accounting import NAME, client_of, exchanges

from encours.clients.json_numbers import read_json
from encours.clients.sage_accounting import read_records
from encours.sandbox.books import Document, World, WriteOff
from encours.sandbox.server import Sandbox
from encours.sources.sage_accounting import STREAMS

DEFINITIONS = {
    "contact_allocations": "ContactAllocation",
    "contact_payments": "ContactPayment",
    "sales_quick_entries": "QuickEntry",
    "sales_credit_notes": "SalesCreditNote",
    "sales_invoices": "SalesInvoice",
    "contact_opening_balances": "ContactOpeningBalance",
    "contacts": "Contact",
    "invoice_settings": "InvoiceSettings",
    "financial_settings": "FinancialSettings",
    "businesses": "Business",
}
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
FORMATS = FormatChecker(("date",))


@FORMATS.checks("date-time", raises=ValueError)
def is_moment(value: Any) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@pytest.fixture(scope="module")
def documents() -> list[dict[str, Any]]:
    return [
        read_document("sage-accounting", name)
        for name in ("openapi.json", "openapi.user_business.json")
    ]


@pytest.fixture(scope="module")
def everything() -> Iterator[Sandbox]:
    """Books with one of each thing that the stand-in can say."""
    day = date(2026, 1, 10)
    world: World = books(
        invoice("F1", "100.00"),
        invoice("F2", "50.00", currency_code="USD", exchange_rate=Decimal("0.9")),
        invoice("F3", "10.00", status="draft"),
        invoice("F4", "10.00", status="void"),
        invoice("Q1", "30.00", due_date=None),
        credit_note("K1", "20.00"),
        payment("P1", "90.00"),
        payment("R1", "5.00", payment_type="refund"),
        allocation("A1", "P1", "F1", "70.00"),
        allocation("A2", "K1", "F1", "10.00", source_type="credit_note"),
        allocation("A3", "R1", "K1", "5.00"),
        WriteOff(write_off_id="W1", document_id="F1", write_off_date=day, amount=Decimal("1.00")),
        WriteOff(
            write_off_id="W2",
            document_id="Q1",
            write_off_date=day + timedelta(days=9),
            amount=Decimal("3.00"),
        ),
    )
    with Sandbox(World()) as running:
        running.serve(world, limits=False)
        world.clock += timedelta(days=1)
        world.add(allocation("A4", "P1", "Q1", "5.00"))
        world.add(invoice("F9"))
        world.delete(Document, "F9")
        yield running


def nullable(schema: Any) -> Any:
    """Answers have null where nothing is known, which this specification never says."""
    if isinstance(schema, list):
        return [nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: nullable(value) for name, value in schema.items()}
    if "$ref" in changed and isinstance(changed["$ref"], str):
        return {"anyOf": [{"$ref": changed["$ref"]}, {"type": "null"}]}
    if isinstance(changed.get("type"), str):
        changed["type"] = [changed["type"], "null"]
    if isinstance(changed.get("properties"), dict) and "type" in changed:
        # What the specification does not name must not be served, or a test would rest on it.
        changed["additionalProperties"] = False
    return changed


def validator(documents: list[dict[str, Any]], name: str) -> Draft7Validator:
    (document,) = (each for each in documents if name in each["definitions"])
    definitions = nullable(copy.deepcopy(document["definitions"]))
    schema = {"$ref": f"#/definitions/{name}", "definitions": definitions}
    return Draft7Validator(schema, format_checker=FORMATS)


def as_floats(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {name: as_floats(each) for name, each in value.items()}
    if isinstance(value, list):
        return [as_floats(each) for each in value]
    return value


@pytest.mark.parametrize("stream", DEFINITIONS)
@pytest.mark.parametrize("since", [None, SINCE], ids=["whole", "since"])
def test_stand_in_answers_as_specified(
    documents: list[dict[str, Any]], everything: Sandbox, stream: str, since: datetime | None
) -> None:
    expected = validator(documents, DEFINITIONS[stream])

    payloads = [
        as_floats(record.payload)
        for exchange in exchanges(client_of(everything), stream, since)
        for record in read_records(stream, exchange)
    ]

    assert payloads or stream == "contact_opening_balances"
    problems = [
        f"{error.json_path}: {error.message[:200]}"
        for payload in payloads
        for error in expected.iter_errors(payload)
    ]
    assert problems == []


def test_client_asks_for_what_is_specified(
    documents: list[dict[str, Any]], everything: Sandbox
) -> None:
    calls = everything.desk(NAME).calls
    calls.clear()
    client = client_of(everything)
    for stream in STREAMS:
        exchanges(client, stream.name)
        exchanges(client, stream.name, SINCE)
    paths = {path: item for document in documents for path, item in document["paths"].items()}

    problems = []
    for call in calls:
        path = call.path.removeprefix(f"/{NAME}/v3.1")
        if path.startswith("/businesses/"):
            path = "/businesses/{key}"
        if "get" not in paths.get(path, {}):
            problems.append(f"{call.method} {path} is not specified")
            continue
        known = {each["name"]: each for each in paths[path]["get"].get("parameters", ())}
        problems += [
            f"{path}: {name}={value}"
            for name, value in parse_qsl(call.query, keep_blank_values=True)
            if not is_allowed(known.get(name), value)
        ]
    assert calls
    assert problems == []


def is_allowed(parameter: Mapping[str, Any] | None, value: str) -> bool:
    if parameter is None or not value:
        return False
    if parameter["type"] == "integer":
        return value.isdecimal()
    if parameter["type"] == "boolean":
        return value in ("true", "false")
    if parameter.get("format") == "date-time":
        return datetime.fromisoformat(value).tzinfo is not None
    return True


@pytest.mark.parametrize("stream", [name for name in DEFINITIONS if not name.endswith("settings")])
def test_every_field_may_be_null_or_absent(
    documents: list[dict[str, Any]], everything: Sandbox, stream: str
) -> None:
    (document,) = (each for each in documents if DEFINITIONS[stream] in each["definitions"])
    fields = document["definitions"][DEFINITIONS[stream]]["properties"]
    (page, *_) = exchanges(client_of(everything), stream) or [None]
    assert page is not None

    for value in ({"id": "a"}, {**dict.fromkeys(fields), "id": "a"}):
        body = json.dumps([value]).encode()
        (record,) = read_records(stream, type(page)(f"/{stream}", body))
        assert read_json(json.dumps(dict(record.payload)).encode())["id"] == "a"
        assert not record.is_deleted
