"""What is read of ERPNext, and what an answer of it holds.

Field names are those of the doctypes in frappe/erpnext (versions 14 to 16); those that are named
here are in all of them. Ids are texts (`name`), amounts JSON numbers, dates `YYYY-MM-DD`, check
boxes 0 or 1. `docstatus` is 0 for a draft, 1 once submitted, 2 once cancelled.

A record bears no moment of its change: `modified` is in the time zone of the site, which an answer
does not tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from encours.clients.api import Exchange, Record
from encours.clients.json_numbers import read_json
from encours.errors import FatalError

RESOURCES = "/api/resource"
DELETED_DOCUMENT = "Deleted Document"
DELETION_FIELDS = ("name", "deleted_doctype", "deleted_name")

COMPANIES = "companies"
INVOICES = "sales_invoices"
SCHEDULES = "payment_schedules"

Filter = list[Any]


@dataclass(frozen=True)
class StreamShape:
    """What is read of a doctype: these fields of the rows that pass `filters`, and with
    `by_company` of those of the company alone. Without fields only names are.

    `amounts` are numbers, `days` dates; a value of either may be null. `has_tombstones`: what is
    deleted of it is asked of Deleted Document.
    """

    doctype: str
    fields: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    by_company: bool = True
    amounts: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    has_tombstones: bool = True

    @property
    def lists_names(self) -> bool:
        return not self.fields


_RECEIVABLE: tuple[Filter, ...] = (
    ["account_type", "=", "Receivable"],
    ["party_type", "=", "Customer"],
)
# Whoever drafts a voucher owes nothing yet.
_SUBMITTED: Filter = ["docstatus", ">", 0]

STREAMS: Mapping[str, StreamShape] = {
    "payment_ledger_entries": StreamShape(
        "Payment Ledger Entry",
        fields=(
            "posting_date",
            "party",
            "voucher_type",
            "voucher_no",
            "against_voucher_type",
            "against_voucher_no",
            "amount",
            "account_currency",
            "amount_in_account_currency",
            "delinked",
        ),
        filters=_RECEIVABLE,
        amounts=("amount", "amount_in_account_currency"),
        days=("posting_date",),
        has_tombstones=False,
    ),
    "payment_ledger_names": StreamShape(
        "Payment Ledger Entry", filters=_RECEIVABLE, has_tombstones=False
    ),
    "journal_entries": StreamShape(
        "Journal Entry",
        fields=("docstatus", "voucher_type", "posting_date", "cheque_no"),
        filters=(_SUBMITTED,),
        days=("posting_date",),
    ),
    "payment_entries": StreamShape(
        "Payment Entry",
        fields=("docstatus", "payment_type", "posting_date", "mode_of_payment", "reference_no"),
        filters=(_SUBMITTED, ["party_type", "=", "Customer"]),
        days=("posting_date",),
    ),
    INVOICES: StreamShape(
        "Sales Invoice",
        fields=(
            "docstatus",
            "customer",
            "posting_date",
            "due_date",
            "currency",
            "party_account_currency",
            "conversion_rate",
            "grand_total",
            "base_grand_total",
            "rounded_total",
            "base_rounded_total",
            "net_total",
            "base_net_total",
            "write_off_amount",
            "base_write_off_amount",
            "outstanding_amount",
            "is_pos",
            "is_return",
            "return_against",
        ),
        filters=(_SUBMITTED,),
        amounts=(
            "conversion_rate",
            "grand_total",
            "base_grand_total",
            "rounded_total",
            "base_rounded_total",
            "net_total",
            "base_net_total",
            "write_off_amount",
            "base_write_off_amount",
            "outstanding_amount",
        ),
        days=("posting_date", "due_date"),
    ),
    # A child table: asked for by the names of the invoices, see SCHEDULE_OF below.
    SCHEDULES: StreamShape(
        "Payment Schedule",
        fields=("parent", "due_date", "payment_amount"),
        by_company=False,
        amounts=("payment_amount",),
        days=("due_date",),
        has_tombstones=False,
    ),
    "customers": StreamShape(
        "Customer",
        fields=("customer_name", "tax_id", "territory", "industry", "payment_terms"),
        by_company=False,
    ),
    COMPANIES: StreamShape(
        "Company",
        fields=("company_name", "default_currency", "tax_id", "creation"),
        by_company=False,
        has_tombstones=False,
    ),
}
SCHEDULE_OF = STREAMS[INVOICES].doctype

# What figures rest upon: another value than these is refused.
_KNOWN_VALUES: Mapping[str, tuple[Any, ...]] = {
    "docstatus": (0, 1, 2),
    "delinked": (0, 1),
    "is_pos": (0, 1),
    "is_return": (0, 1),
    "payment_type": ("Receive", "Pay", "Internal Transfer"),
}
_NEVER_EMPTY = (
    *("party", "voucher_type", "voucher_no", "against_voucher_type", "against_voucher_no"),
    *("amount", "amount_in_account_currency", "account_currency", "posting_date", "currency"),
    *("customer", "grand_total", "parent", "default_currency", "creation"),
)


def read_records(stream: str, exchange: Exchange) -> Iterator[Record]:
    """The records of one answer. A payload is the row as it came; of payment schedules, all rows of
    one invoice. FatalError where the answer is of another shape."""
    shape = STREAMS[stream]
    doctype, asked = _asked(stream, exchange.request)
    rows = rows_of(stream, exchange.body)
    if doctype == DELETED_DOCUMENT and shape.has_tombstones:
        for row in rows:
            yield Record(name_of(stream, row, "deleted_name"), {}, is_deleted=True)
    elif doctype != shape.doctype:
        raise FatalError(f"erpnext: {stream}: the landed request is none of this stream's")
    elif stream == SCHEDULES:
        yield from _schedules(rows, asked)
    else:
        for row in rows:
            yield _record(stream, shape, row)


def rows_of(stream: str, body: bytes) -> list[Mapping[str, Any]]:
    value = read_json(body)
    rows = value.get("data") if isinstance(value, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise FatalError(f"erpnext: {stream}: the answer is no list of records")
    return rows


def name_of(stream: str, row: Mapping[str, Any], field: str = "name") -> str:
    """Sites may number a doctype: its names are then whole numbers."""
    name = row.get(field)
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        raise FatalError(f"erpnext: {stream}: a record has no {field}")
    return str(name)


def _record(stream: str, shape: StreamShape, row: Mapping[str, Any]) -> Record:
    name = name_of(stream, row)
    if not shape.lists_names:
        _check_row(shape, name, row)
    return Record(name, row)


def _schedules(rows: list[Mapping[str, Any]], asked: list[str]) -> Iterator[Record]:
    """One record for each invoice that was asked for: a row that was taken out of its schedule is
    gone with the next reading of it."""
    shape = STREAMS[SCHEDULES]
    found: dict[str, list[Mapping[str, Any]]] = {name: [] for name in asked}
    for row in rows:
        _check_row(shape, name_of(SCHEDULES, row), row)
        found.setdefault(str(row["parent"]), []).append(row)
    for name, lines in found.items():
        # They come by name, which says nothing, and a payload is to differ only where values do.
        lines.sort(key=lambda line: (str(line["due_date"]), str(line["name"])))
        yield Record(name, {"name": name, "lines": lines})


def _asked(stream: str, request: str) -> tuple[str, list[str]]:
    """The doctype that a request is for, and the parents that it names, if it does."""
    path, _, query = request.partition("?")
    asked: list[str] = []
    try:
        for field, _, wanted in read_json((parse_qs(query).get("filters") or ["[]"])[0].encode()):
            if field == "parent":
                asked = [str(name) for name in wanted]
    except (TypeError, ValueError):
        raise FatalError(f"erpnext: {stream}: the landed request cannot be read") from None
    return path.removeprefix(f"{RESOURCES}/"), asked


def _check_row(shape: StreamShape, name: str, row: Mapping[str, Any]) -> None:
    """FatalError where a value is not what the figures rest upon. Ids of records are told, never
    their contents."""
    where = f"erpnext: {shape.doctype} {name}"
    for field in shape.fields:
        if field not in row:
            raise FatalError(
                f"{where} has no field {field} (has ERPNext's {shape.doctype} changed?)"
            )
        if field in _NEVER_EMPTY and row[field] in (None, ""):
            raise FatalError(f"{where}: {field} is empty")
    for field in shape.amounts:
        if row[field] is not None and type(row[field]) not in (int, Decimal):
            raise FatalError(f"{where}: {field} is no number")
    for field in shape.days:
        if row[field] is not None and not _is_day(row[field]):
            raise FatalError(f"{where}: {field} is no date")
    for field, known in _KNOWN_VALUES.items():
        if field in row and (isinstance(row[field], bool) or row[field] not in known):
            raise FatalError(f"{where}: {field} is none of {', '.join(map(str, known))}")


def _is_day(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return len(value) == len("2026-01-31")
