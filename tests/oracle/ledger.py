"""A ledger as the flat-file contract has it: one class per file, one field per column.

The oracle computes from it, the strategies make it, `write_delivery` hands it to the warehouse. The
entity is not part of it, so that one build can hold many ledgers side by side.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from oracle.choices import Chosen
from oracle.rates import PUBLISHED

# Columns of our own: each becomes a custom attribute. One name stands in both files.
CUSTOMER_ATTRIBUTES = ("channel", "tier")
DOCUMENT_ATTRIBUTES = ("channel", "project", "order_ref")


@dataclass(frozen=True)
class Customer:
    customer_id: str
    sector: str = ""
    region: str = ""
    size_band: str = ""
    portfolio: str = ""
    payment_terms: str = ""
    channel: str = ""
    tier: str = ""


@dataclass(frozen=True)
class Document:
    document_id: str
    document_type: Literal["invoice", "credit_note"]
    customer_id: str
    issue_date: date
    amount_incl_tax: Decimal
    due_date: date | None = None
    currency_code: str = "EUR"
    amount_excl_tax: Decimal | None = None
    exchange_rate: Decimal | None = None
    credited_document_id: str = ""
    status: Literal["posted", "draft", "void"] = "posted"
    channel: str = ""
    project: str = ""
    order_ref: str = ""


@dataclass(frozen=True)
class Instalment:
    document_id: str
    instalment_no: int
    due_date: date
    amount: Decimal


@dataclass(frozen=True)
class Payment:
    payment_id: str
    customer_id: str
    payment_date: date
    amount: Decimal
    payment_type: Literal["receipt", "refund"] = "receipt"
    currency_code: str = "EUR"
    exchange_rate: Decimal | None = None


@dataclass(frozen=True)
class Allocation:
    """Of a refund, `document_id` names the credit note or the receipt that it pays out."""

    allocation_id: str
    source_type: Literal["payment", "credit_note"]
    source_id: str
    document_id: str
    amount: Decimal
    instalment_no: int | None = None
    reversed_on: date | None = None


@dataclass(frozen=True)
class WriteOff:
    write_off_id: str
    document_id: str
    write_off_date: date
    amount: Decimal
    instalment_no: int | None = None


@dataclass(frozen=True)
class Dispute:
    dispute_id: str
    document_id: str
    opened_on: date
    closed_on: date | None = None
    amount: Decimal | None = None


@dataclass(frozen=True)
class CollectionCase:
    case_id: str
    document_id: str
    stage: Literal["collection", "litigation"]
    opened_on: date
    closed_on: date | None = None


@dataclass(frozen=True)
class Promise:
    promise_id: str
    customer_id: str
    amount: Decimal
    promised_date: date
    recorded_on: date
    document_id: str = ""


@dataclass(frozen=True)
class Ledger:
    """The books of one entity, and what it chose instead of the policies of its home."""

    customers: tuple[Customer, ...]
    documents: tuple[Document, ...]
    instalments: tuple[Instalment, ...] = ()
    payments: tuple[Payment, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    write_offs: tuple[WriteOff, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    collection_cases: tuple[CollectionCase, ...] = ()
    promises: tuple[Promise, ...] = ()
    base_currency: str = "EUR"
    choices: Chosen = ()

    def __str__(self) -> str:
        """A line per row, without the columns that say nothing: what a failing test prints."""
        lines = [f"base currency {self.base_currency}"]
        lines += [f"choice: {policy}={value}" for policy, value in self.choices]
        for stream, rows in streams_of(self).items():
            lines += [f"{stream[:-1]}: {_line(row)}" for row in rows]
        return "\n".join(lines)


Row = Mapping[str, Any]


def streams_of(ledger: Ledger) -> dict[str, list[Row]]:
    """File → rows, as columns to values; without the entity."""
    streams = [f.name for f in fields(Ledger) if f.name not in ("base_currency", "choices")]
    return {
        stream: [{f.name: getattr(row, f.name) for f in fields(row)} for row in rows]
        for stream in streams
        for rows in [getattr(ledger, stream)]
    }


def write_delivery(ledgers: Mapping[str, Ledger], folder: Path) -> Path:
    """The flat files of several entities. A file that no ledger needs is left out."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(
        folder,
        "entities",
        [
            {"entity_id": entity, "entity_name": entity, "base_currency": ledger.base_currency}
            for entity, ledger in ledgers.items()
        ],
    )
    rows: dict[str, list[Row]] = {}
    for entity, ledger in ledgers.items():
        for stream, stream_rows in streams_of(ledger).items():
            rows.setdefault(stream, []).extend({"entity_id": entity, **r} for r in stream_rows)
    for stream, stream_rows in rows.items():
        if stream_rows:
            write_rows(folder, stream, stream_rows)
    write_rows(folder, "exchange_rates", [vars(rate) for rate in PUBLISHED])
    return folder


def write_rows(folder: Path, stream: str, rows: list[Row]) -> None:
    with open(folder / f"{stream}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)


def scaled(ledger: Ledger, factor: int) -> Ledger:
    """The same ledger with every amount times `factor`."""

    def scale(row: Any) -> Any:
        amounts = {
            field.name: getattr(row, field.name) * factor
            for field in fields(row)
            if "amount" in field.name and getattr(row, field.name) is not None
        }
        return replace(row, **amounts)

    changed = {
        stream: tuple(scale(row) for row in getattr(ledger, stream))
        for stream in streams_of(ledger)
    }
    return replace(ledger, **changed)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _line(row: Row) -> str:
    return " ".join(f"{name}={_text(value)}" for name, value in row.items() if _text(value))
