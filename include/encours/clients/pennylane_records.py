"""The records that Pennylane's answers hold: a pure function of what was landed.

What the models rest on has the type that the published OpenAPI document gives it, or there is one
line that says what has not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from encours.clients.api import Exchange, Record
from encours.clients.json_numbers import read_json
from encours.errors import FatalError

ROOT = "/api/external/v2"

COMPANIES = "companies"
CUSTOMERS = "customers"
INVOICES = "customer_invoices"
MATCHES = "matched_transactions"
LINES = "ledger_entry_lines"

# What accounts begin with that show what customers owe and how that was settled: receivables,
# treasury, losses. The seed account_roles says which is what.
SETTLING_ACCOUNTS = ("411", "413", "416", "51", "53", "58", "654", "6714")

PATH = re.compile(
    rf"{ROOT}/(?:(?P<me>me)"
    rf"|changelogs/(?P<log>{CUSTOMERS}|{INVOICES}|{LINES})"
    rf"|{INVOICES}/(?P<matched>\d+)/{MATCHES}"
    rf"|(?P<kind>{CUSTOMERS}|{INVOICES}|{LINES})(?:/(?P<one>\d+))?)$"
)
# Not \d, which also means the digits of other scripts.
_AMOUNT = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def read_records(stream: str, exchange: Exchange) -> Iterator[Record]:
    """The records of one answer. A customer or invoice that is 404, or that the changelog says is
    deleted, is a deleted record. FatalError where the answer has not the documented shape."""
    where = f"pennylane: {stream}"
    path = PATH.search(exchange.request.partition("?")[0])
    if path is None:
        raise FatalError(f"{where}: the landed request is none of this stream's")
    body = read_json(exchange.body)
    if stream == COMPANIES and path["me"]:
        yield _company(Fields(where, body))
    elif stream == MATCHES and path["matched"]:
        yield _matches(where, path["matched"], body)
    elif stream in (CUSTOMERS, INVOICES, LINES) and path["log"] == stream:
        yield from _deletions(where, body)
    elif stream in (CUSTOMERS, INVOICES, LINES) and path["kind"] == stream:
        if path["one"] and is_gone(body):
            yield Record(path["one"], {}, is_deleted=True)
            return
        for value in [body] if path["one"] else list_of(where, body):
            if stream == LINES:
                yield from _line(where, value, is_alone=bool(path["one"]))
            else:
                yield _one(stream, where, value)
    else:
        raise FatalError(f"{where}: the landed request is none of this stream's")


def _company(profile: Fields) -> Record:
    """Of the profile only the company, and what the token may read of it: who made the token is
    nobody's business."""
    company = profile.part("company")
    if company is None:
        raise FatalError(f"{profile.where}: the profile names no company")
    key = company.identifier("id")
    company.text("name")
    company.text("reg_no")
    company.text("accounting_logic")
    return Record(key, {**company.value, "scopes": sorted(profile.texts("scopes"))})


def _one(stream: str, where: str, value: Any) -> Record:
    fields = Fields(where, value)
    key = fields.identifier("id")
    fields = Fields(f"{where} {key}", value)
    updated_at = fields.moment("updated_at")
    if stream == CUSTOMERS:
        fields.text("name")
        fields.text("payment_conditions")
        return Record(key, fields.value, updated_at)
    for name in ("invoice_number", "currency", "status"):
        fields.text(name)
    for name in ("amount", "currency_amount", "currency_amount_before_tax", "exchange_rate"):
        fields.amount(name)
    fields.amount("remaining_amount_with_tax", nullable=True)
    fields.day("date", nullable=True)
    fields.day("deadline", nullable=True)
    fields.flag("draft")
    for name in ("customer", "credited_invoice", "ledger_entry"):
        part = fields.part(name)
        if part is not None:
            part.identifier("id")
    # An address that is good for 30 minutes: with it, no invoice would ever be unchanged.
    payload = {name: part for name, part in fields.value.items() if name != "public_file_url"}
    return Record(key, payload, updated_at)


def _line(where: str, value: Any, *, is_alone: bool) -> Iterator[Record]:
    """A line of the ledger, where its account concerns receivables; nothing of any other. One that
    was read by its id may have been on such an account before: it is there no longer."""
    fields = Fields(where, value)
    key = fields.identifier("id")
    fields = Fields(f"{where} {key}", value)
    account = fields.part("ledger_account")
    if account is None:
        raise FatalError(f"{fields.where}: has no account")
    account.identifier("id")
    if not account.text("number").startswith(SETTLING_ACCOUNTS):
        if is_alone:
            yield Record(key, {}, is_deleted=True)
        return
    updated_at = fields.moment("updated_at")
    fields.text("label")
    fields.day("date")
    for name in ("debit", "credit"):
        fields.amount(name)
    entry = fields.part("ledger_entry")
    if entry is None:
        raise FatalError(f"{fields.where}: has no entry")
    entry.identifier("id")
    lettered_with(fields)
    payload = {name: part for name, part in fields.value.items() if name != "categories"}
    yield Record(key, payload, updated_at)


def lettered_with(line: Fields) -> tuple[str, ...]:
    """The ids of all lines of its lettering, its own among them; none where it has no lettering."""
    lettering = line.part("lettered_ledger_entry_lines")
    return () if lettering is None else tuple(lettering.identifiers("ids"))


def _matches(where: str, invoice: str, body: Any) -> Record:
    """One record per invoice. Of a transaction what moves money, and who paid: the analytical
    categories and the employee behind a card are left in the landing zone."""
    if is_gone(body):
        return Record(invoice, {}, is_deleted=True)
    where = f"{where} of invoice {invoice}"
    pages = body if isinstance(body, list) else [body]
    transactions: dict[str, Mapping[str, Any]] = {}
    for value in [value for page in pages for value in list_of(where, page)]:
        fields = Fields(where, value)
        key = fields.identifier("id")
        fields.day("date")
        for name in ("amount", "currency_amount"):
            fields.amount(name)
        fields.text("currency", nullable=True)
        fields.text("archived_at", nullable=True)
        left_out = ("categories", "pro_account_expense")
        transactions[key] = {n: v for n, v in fields.value.items() if n not in left_out}
    return Record(
        invoice,
        {"invoice_id": int(invoice), "transactions": [transactions[k] for k in transactions]},
    )


def _deletions(where: str, body: Any) -> Iterator[Record]:
    """The ids whose last operation in this page is a deletion. What was made or changed is read by
    its id, after the changelog."""
    last: dict[str, Fields] = {}
    for value in list_of(where, body):
        fields = Fields(where, value)
        last[fields.identifier("id")] = fields
    for key, fields in last.items():
        if fields.text("operation") == "delete":
            # Without a moment: of a record that came back, the reading after this one counts.
            yield Record(key, {}, is_deleted=True)


def is_gone(body: Any) -> bool:
    """The vendor's 404, in either of its shapes: `{error, status}` or `{error, message}`."""
    return isinstance(body, dict) and "id" not in body and isinstance(body.get("error"), str)


def list_of(where: str, body: Any) -> list[Any]:
    items = body.get("items") if isinstance(body, dict) else None
    if not isinstance(items, list):
        raise FatalError(f"{where}: the answer has no list of items")
    return items


class Fields:
    """The fields of one object as the specification gives them: what the models rest on has its
    type, or there is one line that says what has not. Money may come as a number as well; an
    unknown word is let through, the models judge it."""

    def __init__(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise FatalError(f"{where}: a record is not an object")
        self.where = where
        self.value: dict[str, Any] = value

    def identifier(self, name: str) -> str:
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number")
        return str(value)

    def identifiers(self, name: str) -> list[str]:
        values = self._get(name)
        is_list = isinstance(values, list)
        if not is_list or any(not isinstance(v, int) or isinstance(v, bool) for v in values):
            raise self._wrong(name, "a list of whole numbers")
        return [str(value) for value in values]

    def texts(self, name: str) -> list[str]:
        values = self._get(name)
        if not isinstance(values, list) or any(not isinstance(value, str) for value in values):
            raise self._wrong(name, "a list of texts")
        return values

    def text(self, name: str, *, nullable: bool = False) -> str:
        value = self._get(name)
        if value is None and nullable:
            return ""
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def amount(self, name: str, *, nullable: bool = False) -> None:
        value = self._get(name)
        if value is None and nullable:
            return
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and _AMOUNT.fullmatch(value)):
            raise self._wrong(name, "a decimal amount")

    def day(self, name: str, *, nullable: bool = False) -> None:
        value = self._get(name)
        if value is None and nullable:
            return
        try:
            date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self._wrong(name, "a date") from None

    def moment(self, name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self._get(name))
        except (TypeError, ValueError):
            raise self._wrong(name, "a moment") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def flag(self, name: str) -> None:
        if not isinstance(self._get(name), bool):
            raise self._wrong(name, "true or false")

    def part(self, name: str) -> Fields | None:
        """An object in the object, which may be null."""
        value = self._get(name)
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name, "an object")
        return None if value is None else Fields(self.where, value)

    def _get(self, name: str) -> Any:
        if name not in self.value:
            raise FatalError(f"{self.where}: has no field {name} (has Pennylane's API changed?)")
        return self.value[name]

    def _wrong(self, name: str, wanted: str) -> FatalError:
        return FatalError(f"{self.where}: {name} is not {wanted} (has Pennylane's API changed?)")
