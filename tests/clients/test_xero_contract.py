"""The client's requests and the stand-in's answers against the vendor's own specification.

`xero/xero_accounting.yaml` and `xero/xero-identity.yaml` as published (openapi_documents says where
they are looked for); the tests are skipped without them.
"""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import available_timezones

import pytest
import requests
from jsonschema import Draft7Validator
from openapi_documents import read_document
from sandbox_books import DAY, allocation, books, credit_note, invoice, payment
from test_xero import NAME, access_to, client_of, exchange_of, exchanges

from encours.clients.xero import LIMITS, SCOPES, application
from encours.clients.xero_records import KINDS, read_records
from encours.sandbox.books import Allocation, Document, Promise, World, WriteOff
from encours.sandbox.server import Sandbox
from encours.settings import project_root
from encours.sources.xero import STREAMS

DEFINITIONS = {
    "payments": "Payment",
    "overpayments": "Overpayment",
    "prepayments": "Prepayment",
    "credit_notes": "CreditNote",
    "invoices": "Invoice",
    "contacts": "Contact",
    "organisations": "Organisation",
}
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
# In the specification's examples, and in none of its schemas.
ONLY_IN_EXAMPLES = {name: {"type": "string"} for name in ("DateString", "DueDateString", "ID")}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = read_document("xero", "xero_accounting.yaml")
    return found


@pytest.fixture(scope="module")
def everything() -> Iterator[Sandbox]:
    """Books with one of each thing that the stand-in can say."""
    later = DAY + timedelta(days=9)
    world = books(
        invoice("F1", "100.00"),
        invoice("F2", "50.00", currency_code="USD", exchange_rate=Decimal("0.9")),
        invoice("F3", "10.00", status="draft"),
        invoice("F4", "10.00", status="void"),
        invoice("F5", "30.00", issue_date=later),
        credit_note("K1", "20.00"),
        payment("P1", "70.00"),
        payment("P2", "6.00"),
        payment("P3", "30.00"),
        payment("P4", "9.00"),
        payment("R1", "5.00", payment_type="refund"),
        payment("R2", "1.00", payment_type="refund"),
        allocation("A1", "P1", "F1", "60.00"),
        allocation("A2", "P1", "F5", "10.00"),
        allocation("A3", "K1", "F1", "10.00", source_type="credit_note"),
        allocation("A4", "R1", "K1", "5.00"),
        allocation("A5", "P2", "F1", "5.00"),
        allocation("A6", "R2", "P2", "1.00"),
        allocation("A7", "P4", "F1", "4.00"),
        allocation("A8", "P4", "F1", "5.00"),
        WriteOff(write_off_id="W1", document_id="F1", write_off_date=DAY, amount=Decimal("1.00")),
        Promise(
            promise_id="M1",
            customer_id="C1",
            document_id="F1",
            amount=Decimal("20.00"),
            promised_date=later,
            recorded_on=DAY,
        ),
    )
    with Sandbox(World()) as running:
        running.serve(world, limits=False)
        world.clock += timedelta(days=1)
        world.add(invoice("F9"))
        world.delete(Document, "F9")
        world.delete(Allocation, "A3")
        world.delete(Allocation, "A8")
        yield running


def strict(schema: Any) -> Any:
    """What the specification does not name must not be served, or a test would rest on it."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    changed = {name: strict(value) for name, value in schema.items()}
    if isinstance(changed.get("properties"), dict) and changed.get("type") == "object":
        changed["properties"] = {**ONLY_IN_EXAMPLES, **changed["properties"]}
        changed["additionalProperties"] = False
    return changed


@pytest.fixture(scope="module")
def components(document: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": strict(copy.deepcopy(document["components"]["schemas"]))}


def validator(components: dict[str, Any], name: str) -> Draft7Validator:
    return Draft7Validator({"$ref": f"#/components/schemas/{name}", "components": components})


@pytest.mark.parametrize("stream", DEFINITIONS)
@pytest.mark.parametrize("since", [None, SINCE], ids=["whole", "since"])
def test_stand_in_answers_as_specified(
    components: dict[str, Any], everything: Sandbox, stream: str, since: datetime | None
) -> None:
    expected = validator(components, DEFINITIONS[stream])

    bodies = [json.loads(each.body) for each in exchanges(client_of(everything), stream, since)]

    items = [item for body in bodies for item in body[KINDS[stream].listed_as]]
    assert items
    problems = [
        f"{error.json_path}: {error.message[:200]}"
        for item in items
        for error in expected.iter_errors(item)
    ]
    assert problems == []
    if stream != "organisations":
        pagination = validator(components, "Pagination")
        assert all(pagination.is_valid(body["pagination"]) for body in bodies)


def test_connections_are_as_specified(everything: Sandbox) -> None:
    identity = read_document("xero", "xero-identity.yaml")
    known = identity["components"]["schemas"]["Connection"]["properties"]
    bearer = {"Authorization": f"Bearer {everything.desk(NAME).issue().access_token}"}

    (found,) = requests.get(f"{everything.url}/xero/Connections", headers=bearer, timeout=5).json()

    assert found.keys() <= known.keys()
    assert "/Connections" in identity["paths"]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refusals_tell_what_the_vendor_says(
    components: dict[str, Any], everything: Sandbox, status: int
) -> None:
    client = client_of(everything)
    tenant = "" if status == 403 else client.company_id()
    token = "" if status == 401 else everything.desk(NAME).issue().access_token
    answer = requests.get(
        f"{everything.url}/xero/api.xro/2.0/Invoices?where=nonsense",
        headers={"Authorization": f"Bearer {token}", "Xero-Tenant-Id": tenant},
        timeout=5,
    )

    assert answer.status_code == status
    if status == 400:
        assert validator(components, "Error").is_valid(answer.json())


def test_client_asks_for_what_is_specified(document: dict[str, Any], everything: Sandbox) -> None:
    calls = everything.desk(NAME).calls
    calls.clear()
    client = client_of(everything)
    for stream in STREAMS:
        exchanges(client, stream.name)
        exchanges(client, stream.name, SINCE)

    problems = []
    asked = [call for call in calls if call.path.startswith("/xero/api.xro/2.0/")]
    for call in asked:
        path = call.path.removeprefix("/xero/api.xro/2.0")
        if "get" not in document["paths"].get(path, {}):
            problems.append(f"{call.method} {path} is not specified")
            continue
        known = parameters(document, path)
        problems += [
            f"{path}: {name}={value}"
            for name, value in parse_qsl(call.query, keep_blank_values=True)
            if not is_allowed(known.get(name), value)
        ]
        if path != "/Organisation" and "If-Modified-Since" not in known:
            problems.append(f"{path} does not tell what changed")
    assert len(asked) >= 2 * len(STREAMS)
    assert problems == []


def parameters(document: Mapping[str, Any], path: str) -> dict[str, Any]:
    found = []
    for each in document["paths"][path]["get"].get("parameters", ()):
        name = each.get("$ref", "").rpartition("/")[2]
        found.append(document["components"]["parameters"][name] if name else each)
    return {each["name"]: each["schema"] for each in found}


def is_allowed(schema: Mapping[str, Any] | None, value: str) -> bool:
    if schema is None or not value:
        return False
    if schema["type"] == "integer":
        return value.isdecimal()
    return schema["type"] != "boolean" or value in ("true", "false")


def test_where_filters_name_fields_and_values_that_are_specified(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    filtered = []
    for stream, kind in KINDS.items():
        field, _, value = kind.params.get("where", "").partition("==")
        if field:
            filtered.append(stream)
            assert json.loads(value) in schemas[DEFINITIONS[stream]]["properties"][field]["enum"]
    assert filtered == ["credit_notes", "invoices"]


def test_client_is_authorised_where_and_for_what_is_specified(
    document: dict[str, Any], everything: Sandbox
) -> None:
    flow = document["components"]["securitySchemes"]["OAuth2"]["flows"]["authorizationCode"]
    known = application(replace(access_to(everything), base_url=""))

    assert (known.authorize_url, known.token_url) == (flow["authorizationUrl"], flow["tokenUrl"])
    # The narrow scopes are younger than the specification; these two are in it.
    assert {"accounting.contacts.read", "accounting.settings.read"} <= set(SCOPES) & set(
        flow["scopes"]
    )
    assert [(limit.requests, limit.seconds) for limit in LIMITS] == [(60, 60.0), (5000, 86400.0)]


def test_every_time_zone_that_is_specified_has_a_name_of_the_tz_database(
    document: dict[str, Any],
) -> None:
    with open(project_root() / "dbt_project/seeds/xero_time_zones.csv", newline="") as file:
        zones = {row["xero_time_zone"]: row["time_zone"] for row in csv.DictReader(file)}

    assert zones.keys() == set(document["components"]["schemas"]["TimeZone"]["enum"])
    assert set(zones.values()) <= available_timezones()


def enumerated(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    schemas = document["components"]["schemas"]
    return [
        (stream, field, value)
        for stream, name in DEFINITIONS.items()
        for field, schema in schemas[name]["properties"].items()
        for value in schema.get("enum", ())
    ]


def test_every_word_that_is_specified_is_read_as_it_is(document: dict[str, Any]) -> None:
    words = enumerated(document)

    for stream, field, word in words:
        (record,) = read_records(stream, exchange(stream, {KINDS[stream].key: "a", field: word}))
        assert record.payload[field] == word
    assert len(words) > 60


@pytest.mark.parametrize("stream", DEFINITIONS)
def test_every_field_may_be_null_or_absent(document: dict[str, Any], stream: str) -> None:
    fields = document["components"]["schemas"][DEFINITIONS[stream]]["properties"]

    for item in ({}, dict.fromkeys(fields)):
        (record,) = read_records(stream, exchange(stream, {**item, KINDS[stream].key: "a"}))
        assert (record.key, record.updated_at, record.is_deleted) == ("a", None, False)


@pytest.mark.parametrize("stream", DEFINITIONS)
def test_examples_of_the_specification_are_read(document: dict[str, Any], stream: str) -> None:
    path = f"/{KINDS[stream].path}"
    answer = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    items = answer["example"][KINDS[stream].listed_as]

    found = list(read_records(stream, exchange(stream, *items)))

    assert len(found) == len(items) > 0


def exchange(stream: str, *items: Any) -> Any:
    return exchange_of(stream, *json.loads(json.dumps(items, default=str)))
