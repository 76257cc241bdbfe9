"""Books that every system can tell whole: one entity, one currency, one due date per document,
allocations in force, and payments that pay something."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from encours.demo.books import DemoOptions, write_books

ENTITY = "fr"
Rows = list[dict[str, str]]
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
