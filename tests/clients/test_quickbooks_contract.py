"""The client's requests and the stand-in's answers against the vendor's own schemas.

`quickbooks/*.xsd` as published with the vendor's SDK (openapi_documents says where they are looked
for); the tests are skipped without them. The schemas describe XML; in JSON an element and an
attribute alike are a member of their name, a reference is an object with `value`, and what may come
several times is a list.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from openapi_documents import document_path
from sandbox_books import allocation, books, credit_note, invoice, payment
from test_quickbooks import NAME, asked, client_of, exchange_of, exchanges

from encours.clients.json_numbers import read_json
from encours.clients.quickbooks import read_records
from encours.sandbox.books import Document, World, WriteOff
from encours.sandbox.server import Sandbox
from encours.settings import project_root
from encours.sources.quickbooks import STREAMS

ENTITIES = {
    "payments": "Payment",
    "credit_memos": "CreditMemo",
    "invoices": "Invoice",
    "journal_entries": "JournalEntry",
    "deposits": "Deposit",
    "purchases": "Purchase",
    "customers": "Customer",
    "terms": "Term",
    "accounts": "Account",
    "company_infos": "CompanyInfo",
    "preferences": "Preferences",
}
FILES = ("Finance", "IntuitBaseTypes", "IntuitNamesTypes", "IntuitRestServiceDef")
XS = "{http://www.w3.org/2001/XMLSchema}"


@dataclass
class Type:
    """`fields`: name to (type, whether it is a list, what the documentation says)."""

    base: str | None = None
    fields: dict[str, tuple[str, bool, str]] = field(default_factory=dict)
    values: frozenset[str] = frozenset()
    is_value: bool = False


class Schemas:
    """What the schemas say of the JSON of each type."""

    def __init__(self, roots: list[ElementTree.Element]) -> None:
        self.objects = {
            element.get("name")
            for root in roots
            for element in root.findall(f"{XS}element")
            if element.get("substitutionGroup") == "IntuitObject"
        }
        self._types = {
            each.get("name", ""): _type(each)
            for root in roots
            for kind in ("complexType", "simpleType")
            for each in root.findall(f"{XS}{kind}")
        }

    def names(self) -> set[str]:
        return {name for each in self._types.values() for name in each.fields}

    def values(self, name: str) -> frozenset[str]:
        return self._types[name].values

    def fields(self, name: str) -> Mapping[str, tuple[str, bool, str]]:
        known = self._types[name]
        inherited = self.fields(known.base) if known.base in self._types else {}
        return {**inherited, **known.fields}

    def problems(self, name: str, value: Any, where: str = "") -> Iterator[str]:
        """Where a value is not what the schemas say of its type."""
        known = self._types.get(name)
        if known is None or known.values or name == "id":
            if not _is_simple(name, value, known.values if known else frozenset()):
                yield f"{where}: {value!r} is no {name}"
        elif not isinstance(value, dict):
            yield f"{where}: {value!r} is no object"
        else:
            fields = dict(self.fields(name))
            if known.is_value:
                fields["value"] = ("xs:string", False, "")
            for key, member in value.items():
                if key not in fields:
                    yield f"{where}.{key}: {name} has no such field"
                    continue
                kind, is_list, _ = fields[key]
                if is_list != isinstance(member, list):
                    yield f"{where}.{key}: {'no' if is_list else 'a'} list"
                    continue
                for part in member if isinstance(member, list) else [member]:
                    yield from self.problems(kind, part, f"{where}.{key}")


def _type(element: ElementTree.Element) -> Type:
    extension = element.find(f".//{XS}extension")
    is_value = element.find(f"{XS}simpleContent") is not None
    base = extension.get("base") if extension is not None and not is_value else None
    found = {
        each.get("name", ""): (
            each.get("type", ""),
            each.get("maxOccurs", "1") != "1",
            " ".join("".join(each.itertext()).split()),
        )
        for kind in ("element", "attribute")
        for each in element.iter(f"{XS}{kind}")
        if each.get("name")
    }
    values = frozenset(each.get("value", "") for each in element.iter(f"{XS}enumeration"))
    return Type(base, found, values, is_value)


def _is_simple(name: str, value: Any, values: frozenset[str]) -> bool:
    if name in ("xs:decimal", "xs:int", "xs:positiveInteger"):
        kinds: tuple[type, ...] = (int, Decimal) if name == "xs:decimal" else (int,)
        return isinstance(value, kinds) and not isinstance(value, bool)
    if name == "xs:boolean":
        return isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if name == "xs:date":
        return bool(date.fromisoformat(value))
    if name == "xs:dateTime":
        return datetime.fromisoformat(value).tzinfo is not None
    return not values or value in values


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas(
        [ElementTree.parse(document_path(NAME, f"{name}.xsd")).getroot() for name in FILES]
    )


@pytest.fixture(scope="module")
def everything() -> Iterator[Sandbox]:
    """Books with one of each thing that the stand-in can say."""
    day = date(2026, 1, 10)
    world: World = books(
        invoice("F1", "100.00", amount_excl_tax=Decimal("80.00")),
        invoice("F2", "50.00", currency_code="USD", exchange_rate=Decimal("0.9")),
        invoice("F3", "10.00", status="draft"),
        invoice("F4", "10.00", status="void"),
        invoice("F5", "30.00", due_date=None),
        credit_note("K1", "20.00"),
        payment("P1", "90.00", reference="R-1", method="transfer"),
        payment("R1", "5.00", payment_type="refund"),
        payment("R2", "5.00", payment_type="refund"),
        allocation("A1", "P1", "F1", "70.00"),
        allocation("A2", "K1", "F1", "10.00", source_type="credit_note"),
        allocation("A3", "R1", "K1", "5.00"),
        allocation("A4", "R2", "P1", "5.00"),
        WriteOff(write_off_id="W1", document_id="F1", write_off_date=day, amount=Decimal("1.00")),
    )
    with Sandbox(World()) as running:
        running.serve(world, limits=False)
        world.clock += timedelta(days=1)
        world.add(invoice("F9"))
        world.delete(Document, "F9")
        yield running


def answers(sandbox: Sandbox, stream: str) -> list[Any]:
    """Those to a reading of everything, and to one of what changed."""
    client = client_of(sandbox)
    since = sandbox.world.clock - timedelta(days=20)
    pages = [*exchanges(client, stream), *exchanges(client, stream, since)]
    return [read_json(page.body) for page in pages]


@pytest.mark.parametrize("stream", ENTITIES)
def test_stand_in_answers_as_the_schemas_say(
    schemas: Schemas, everything: Sandbox, stream: str
) -> None:
    entity = ENTITIES[stream]
    problems: list[str] = []
    seen = 0
    for answer in answers(everything, stream):
        assert isinstance(answer.pop("time"), str)
        parts = answer["CDCResponse"][0]["QueryResponse"] if "CDCResponse" in answer else [answer]
        for part in parts:
            told = dict(part.get("QueryResponse", part))
            items = told.pop(entity, [])
            seen += len(items)
            problems += schemas.problems("QueryResponse", told)
            for item in items:
                problems += schemas.problems(entity, item, entity)

    assert seen or stream == "deposits"
    assert problems == []


def test_refusal_is_told_as_the_schemas_say(schemas: Schemas, everything: Sandbox) -> None:
    told = read_json(bytes(everything.desk(NAME).refusal(1.0).body))

    assert list(schemas.problems("Fault", told["Fault"])) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"TotalAmount": 1},
        {"TotalAmt": "1.00"},
        {"TxnDate": 7},
        {"CustomerRef": "7"},
        {"CustomerRef": {"id": "7"}},
        {"Line": {"Amount": 1}},
        {"Line": [{"DetailType": "Other"}]},
        {"MetaData": {"CreateTime": "2026-01-10T08:00:00"}},
        {"status": "Gone"},
    ],
)
def test_answer_that_is_not_as_the_schemas_say_is_noticed(
    schemas: Schemas, wrong: dict[str, Any]
) -> None:
    assert len(list(schemas.problems("Invoice", {"Id": "7", **wrong}))) == 1


def test_queries_filter_and_order_by_what_the_schemas_permit(
    schemas: Schemas, everything: Sandbox
) -> None:
    everything.desk(NAME).calls.clear()
    for stream in STREAMS:
        answers(everything, stream.name)

    meta = schemas.fields("ModificationMetaData")
    for query in asked(everything):
        entity = re.search(r"from (\w+)", query["query"])
        assert entity
        assert entity[1] in schemas.objects
        for name in re.findall(r"Metadata\.(\w+) >=", query["query"]):
            assert "Filterable: ALL" in meta[name][2]
        for name in re.findall(r"order by Metadata\.(\w+)", query["query"]):
            assert "Sortable: ALL" in meta[name][2]
        for name in re.findall(r"(\w+) in \(", query["query"]):
            assert name in schemas.fields(entity[1])
        assert set(query) == {"query", "minorversion"}
    captured = asked(everything, "cdc")
    assert len(captured) == len(STREAMS) - 2
    for changed in captured:
        assert changed["entities"] in schemas.objects
        assert datetime.fromisoformat(changed["changedSince"]).tzinfo is not None


@pytest.mark.parametrize("stream", ENTITIES)
def test_every_field_may_be_null_or_absent(schemas: Schemas, stream: str) -> None:
    nulls = dict.fromkeys(schemas.fields(ENTITIES[stream]))

    for item in ({"Id": "7"}, {**nulls, "Id": "7"}):
        (found,) = read_records(
            stream, exchange_of({"QueryResponse": {ENTITIES[stream]: [item], "maxResults": 1}})
        )
        # A purchase without a payee is none that pays a customer back.
        assert found.is_deleted == (stream == "purchases")


@pytest.mark.parametrize(
    ("enumeration", "place"),
    [
        ("EntityStatusEnum", ("status",)),
        ("PostingTypeEnum", ("Line", 0, "JournalEntryLineDetail", "PostingType")),
        ("EntityTypeEnum", ("Line", 0, "JournalEntryLineDetail", "Entity", "Type")),
        ("TxnTypeEnum", ("Line", 0, "LinkedTxn", 0, "TxnType")),
    ],
)
def test_every_value_of_an_enumeration_reaches_the_models(
    schemas: Schemas, enumeration: str, place: tuple[str | int, ...]
) -> None:
    assert schemas.values(enumeration)
    for value in schemas.values(enumeration):
        part: Any = value
        for step in reversed(place):
            part = [part] if isinstance(step, int) else {step: part}
        item = {"Id": "7", **part}

        (found,) = read_records("payments", exchange_of({"QueryResponse": {"Payment": [item]}}))

        assert found.is_deleted == (value == "Deleted")
        assert found.is_deleted or found.payload == item


def test_models_read_no_field_that_the_schemas_do_not_know(schemas: Schemas) -> None:
    folder = project_root() / "dbt_project/models/staging" / NAME
    read = {
        name
        for path in folder.glob("*.sql")
        for expression in re.findall(r"\{\{(.*?)\}\}", path.read_text(), re.DOTALL)
        for name in re.findall(r", '(\w+)'\s*\)", expression)
        if "json_" in expression
    }

    assert {"TotalAmt", "LinkedTxn"} <= read
    # Of a reference, `value` is its content.
    assert read - schemas.names() == {"value"}
