"""Books that every system can tell whole: one entity, one currency, one due date per document,
allocations in force, payments that pay something, and settled oldest first where several payments
and invoices hang together: a ledger's lettering names who belongs together, and no more."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

from encours.demo.books import DemoOptions, write_books

ENTITY = "fr"
Rows = list[dict[str, str]]
_TOTAL = "amount_incl_tax"
# Without the columns that no accounting system has: sector, region, portfolio, custom ones.
COLUMNS = {
    "entities": ("entity_id", "entity_name", "siren", "base_currency", "time_zone"),
    "customers": (
        "entity_id",
        "customer_id",
        "customer_name",
        "siren",
        "vat_number",
        "country_code",
    ),
    "documents": (
        "entity_id",
        "document_id",
        "document_type",
        "document_number",
        "customer_id",
        "issue_date",
        "due_date",
        "currency_code",
        "amount_incl_tax",
        "amount_excl_tax",
        "credited_document_id",
        "status",
    ),
    "payments": (
        "entity_id",
        "payment_id",
        "customer_id",
        "payment_type",
        "payment_date",
        "currency_code",
        "amount",
        "method",
        "reference",
    ),
    "allocations": (
        "entity_id",
        "allocation_id",
        "source_type",
        "source_id",
        "document_id",
        "amount",
    ),
}


def write_plain_books(invoices: int, end: date, scratch: Path, out: Path) -> None:
    """A part of the demo company's books, made in `scratch`, as flat files in `out`."""
    write_books(DemoOptions(invoices, months=12, seed=7, end=end), scratch)
    tables = {name: _read(scratch / f"{name}.csv") for name in (*COLUMNS, "instalments")}
    split = {row["document_id"] for row in tables["instalments"]}
    documents = {
        row["document_id"]: row
        for row in _of_entity(tables["documents"])
        if row["currency_code"] == "EUR"
        and row["status"] == "posted"
        and row["document_id"] not in split
    }
    receipts = {
        row["payment_id"]: row
        for row in _of_entity(tables["payments"])
        if row["payment_type"] == "receipt" and row["currency_code"] == "EUR"
    }
    allocations = [
        row
        for row in _of_entity(tables["allocations"])
        if row["document_id"] in documents
        and row["source_id"] in (receipts if row["source_type"] == "payment" else documents)
        and not row["reversed_on"]
    ]
    allocations = _told_by_lettering(allocations, documents, receipts)
    paying = {row["source_id"] for row in allocations}
    customers = {row["customer_id"] for row in documents.values()}
    chosen = {
        "entities": _of_entity(tables["entities"]),
        "customers": [row for row in tables["customers"] if row["customer_id"] in customers],
        "documents": list(documents.values()),
        "payments": [row for key, row in receipts.items() if key in paying],
        "allocations": allocations,
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in chosen.items():
        _write(out / f"{name}.csv", COLUMNS[name], rows)


def _told_by_lettering(
    allocations: Rows,
    documents: Mapping[str, dict[str, str]],
    receipts: Mapping[str, dict[str, str]],
) -> Rows:
    """Without those of groups whose invoices were not settled oldest first."""
    parents: dict[str, str] = {}

    def root(key: str) -> str:
        parent = parents.setdefault(key, key)
        return key if parent == key else root(parent)

    for row in allocations:
        parents[root(row["source_id"])] = root(row["document_id"])
    groups: dict[str, Rows] = defaultdict(list)
    for row in allocations:
        groups[root(row["source_id"])].append(row)
    return [
        row
        for group in groups.values()
        if _oldest_first(group, documents, receipts)
        == {(row["source_id"], row["document_id"]): Decimal(row["amount"]) for row in group}
        for row in group
    ]


def _oldest_first(
    group: Rows, documents: Mapping[str, dict[str, str]], receipts: Mapping[str, dict[str, str]]
) -> dict[tuple[str, str], Decimal]:
    """What settles what, when the oldest credit goes to what fell due first."""
    sources = {row["source_id"] for row in group}
    dates = {
        key: receipts[key]["payment_date"] if key in receipts else documents[key]["issue_date"]
        for key in sources
    }
    left = {
        key: Decimal(receipts[key]["amount"] if key in receipts else documents[key][_TOTAL])
        for key in sources
    }
    settled: dict[tuple[str, str], Decimal] = {}
    invoices = {row["document_id"] for row in group}
    for document_id in sorted(invoices, key=lambda key: (documents[key]["due_date"], key)):
        owed = Decimal(documents[document_id][_TOTAL])
        for source_id in sorted(sources, key=lambda key: (dates[key], key)):
            if amount := min(owed, left[source_id]):
                settled[source_id, document_id] = amount
                owed -= amount
                left[source_id] -= amount
    return settled


def _of_entity(rows: Rows) -> Rows:
    return [row for row in rows if row["entity_id"] == ENTITY]


def _read(path: Path) -> Rows:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, columns: Iterable[str], rows: Rows) -> None:
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(columns), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
